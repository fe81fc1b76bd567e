/** How a payload is shown. */
export type PayloadView = 'text' | 'json' | 'hex';

/** Characters that are shown of a payload as text or JSON, and bytes as hex: more makes a page slow. */
export const SHOWN_MAX = 64 * 1024;
const HEX_BYTES_MAX = 8 * 1024;

export interface ShownPayload {
  readonly text: string;
  /** What isn't shown, or why it is shown in another way; null for nothing to say. */
  readonly note: string | null;
}

/** The payload as text for a page; it is never markup. */
export function shownPayload(bytes: Uint8Array, view: PayloadView): ShownPayload {
  if (view === 'hex') return asHex(bytes);
  const isWhole = bytes.length <= SHOWN_MAX;
  const text = new TextDecoder().decode(isWhole ? bytes : bytes.subarray(0, SHOWN_MAX));
  const cut = isWhole ? null : cutNote(SHOWN_MAX, bytes.length);
  if (view === 'text') return { text, note: cut };
  if (!isWhole) return { text, note: `${cut}; shown as text` };
  try {
    return { text: JSON.stringify(JSON.parse(text), null, 2), note: null };
  } catch (error) {
    return { text, note: `no JSON: ${(error as Error).message}` };
  }
}

/** What suits it best. */
export function bestView(bytes: Uint8Array): PayloadView {
  if (!isText(bytes)) return 'hex';
  const first = bytes.find((byte) => byte > 0x20);
  return first === 0x7b || first === 0x5b ? 'json' : 'text';
}

/** Bytes after which what is text so far is taken for text. */
const TEXT_BYTES = 4096;

/**
 * Whether it is UTF-8 without control characters but for line ends and tabs.
 *
 * @param max - bytes that are looked at
 */
export function isText(bytes: Uint8Array, max = TEXT_BYTES): boolean {
  try {
    // A character that is cut off at the end is no fault: `stream` waits for the rest of it.
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const text = decoder.decode(bytes.subarray(0, max), { stream: true });
    for (const character of text) {
      const code = character.charCodeAt(0);
      if (code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** The text that these bytes are, when they are one and nothing is lost if it is written back; else null. */
export function exactText(bytes: Uint8Array): string | null {
  if (!isText(bytes, bytes.length)) return null;
  const text = new TextDecoder().decode(bytes);
  return new TextEncoder().encode(text).length === bytes.length ? text : null;
}

/** One line of at most `max` characters, for lists. */
export function payloadLine(bytes: Uint8Array, max = 80): string {
  if (bytes.length === 0) return '(empty)';
  const start = bytes.subarray(0, max * 4);
  if (!isText(bytes, max * 4)) return `${hexOf(bytes.subarray(0, Math.floor(max / 3)))} …`;
  const text = new TextDecoder().decode(start).replaceAll(/\s+/g, ' ');
  const characters = [...text];
  const isCut = characters.length > max || start.length < bytes.length;
  return isCut ? `${characters.slice(0, max).join('')}…` : text;
}

/** @throws {TypeError} when it is no Base64 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new TypeError('that is no Base64');
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Bytes written as hex digits, with or without spaces. @throws {TypeError} */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replaceAll(/\s/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits))
    throw new TypeError('hex takes pairs of 0 to 9 and a to f');
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}

/** Sixteen bytes a line: offset, hex, and what is ASCII. */
function asHex(bytes: Uint8Array): ShownPayload {
  const shown = bytes.subarray(0, HEX_BYTES_MAX);
  const lines: string[] = [];
  for (let offset = 0; offset < shown.length; offset += 16) {
    const row = shown.subarray(offset, offset + 16);
    const ascii = [...row].map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    );
    lines.push(
      `${offset.toString(16).padStart(6, '0')}  ${hexOf(row).padEnd(47)}  ${ascii.join('')}`,
    );
  }
  const note = shown.length < bytes.length ? cutNote(HEX_BYTES_MAX, bytes.length) : null;
  return { text: lines.join('\n'), note };
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function cutNote(shown: number, all: number): string {
  return `the first ${shown.toLocaleString('en')} of ${all.toLocaleString('en')} bytes`;
}
