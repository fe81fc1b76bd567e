/** A key of fewer bytes could be found out by whoever records one handshake, and tries all. */
const KEY_SIZE_MIN = 16;
/** What OpenSSL takes. */
const KEY_SIZE_MAX = 256;
const IDENTITY_SIZE_MAX = 128;

/** What is wrong with a line of a file of pre-shared keys; never with what is in it. */
export interface PskFileProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** Keys of clients by the identities that they show (TLS-PSK, RFC 4279). */
export class PskKeys {
  readonly #keys: ReadonlyMap<string, Buffer>;

  /** @param keys - owned by this from now on */
  constructor(keys: ReadonlyMap<string, Buffer>) {
    this.#keys = keys;
  }

  get size(): number {
    return this.#keys.size;
  }

  /**
   * The key of an identity; null when there is no such one.
   *
   * @returns not to be changed
   */
  keyOf(identity: string): Buffer | null {
    return this.#keys.get(identity) ?? null;
  }
}

/**
 * Reads a file of pre-shared keys, as mosquitto's `psk_file`: a line `IDENTITY:KEY` for each client, the key in hexadecimal; empty lines, and
 * lines that begin with #. Keys have 16 to 256 bytes, such as `openssl rand -hex 32` makes.
 */
export function parsePskFile(text: string): {
  readonly keys: PskKeys;
  readonly problems: readonly PskFileProblem[];
} {
  const keys = new Map<string, Buffer>();
  const problems: PskFileProblem[] = [];
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const line = content.trim();
    if (line === '' || line.startsWith('#')) continue;
    const separator = line.indexOf(':');
    const identity = line.slice(0, Math.max(0, separator));
    const key = line.slice(separator + 1).trim();
    const why = separator < 0 ? TAKES : whyNot(identity, key, keys);
    if (why === null) keys.set(identity, Buffer.from(key, 'hex'));
    else problems.push({ line: index + 1, message: why });
  }
  return { keys: new PskKeys(keys), problems };
}

const TAKES = 'it takes IDENTITY:KEY, the key in hexadecimal';

function whyNot(identity: string, key: string, keys: ReadonlyMap<string, Buffer>): string | null {
  const size = Buffer.byteLength(identity);
  if (identity === '') return TAKES;
  if (size > IDENTITY_SIZE_MAX) {
    return `the identity has ${size} bytes; at most ${IDENTITY_SIZE_MAX} are allowed`;
  }
  if (!/^([0-9A-Fa-f]{2})*$/.test(key)) return TAKES;
  const keySize = key.length / 2;
  if (keySize < KEY_SIZE_MIN || keySize > KEY_SIZE_MAX) {
    return `the key has ${keySize} bytes; ${KEY_SIZE_MIN} to ${KEY_SIZE_MAX} are allowed, such as openssl rand -hex 32 makes`;
  }
  return keys.has(identity) ? `identity ${JSON.stringify(identity)} is there twice` : null;
}
