import { expect, test } from '@jest/globals';
import { decodeUtf8, findInvalidUtf8 } from '../../src/wire/utf8.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What Node's own decoder makes of bytes; null when it refuses them. */
function decoded(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

function expectAgreement(bytes: Uint8Array): void {
  const text = decoded(bytes);
  const isValid = text !== null && !text.includes('\0');
  if ((findInvalidUtf8(bytes, 0, bytes.length) === -1) !== isValid) {
    throw new Error(`${Buffer.from(bytes).toString('hex')}: ${isValid ? 'refused' : 'accepted'}`);
  }
  if (isValid) expect(decodeUtf8(bytes, 0, bytes.length)).toBe(text);
}

test('one and two bytes of any value are valid where they are for Node [MQTT-1.5.4-1] [MQTT-1.5.4-2]', () => {
  for (let first = 0; first < 256; first++) {
    expectAgreement(Uint8Array.of(first));
    for (let second = 0; second < 256; second++) expectAgreement(Uint8Array.of(first, second));
  }
});

test('so are sequences of three and four bytes around each limit', () => {
  const seconds = [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];
  const others = [0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff];
  for (let lead = 0xe0; lead < 0x100; lead++) {
    for (const second of seconds) {
      for (const third of others) {
        expectAgreement(Uint8Array.of(lead, second, third));
        for (const fourth of others) expectAgreement(Uint8Array.of(lead, second, third, fourth));
      }
    }
  }
});

test.each([
  ['a surrogate', [0x61, 0xed, 0xa0, 0x80], 1],
  ['an overlong slash', [0x61, 0x62, 0xc0, 0xaf], 2],
  ['U+0000', [0x61, 0x00, 0x62], 1],
  ['a sequence that is cut off', [0x61, 0xe2, 0x82], 1],
  ['a lone continuation byte', [0x80], 0],
  ['a code point above U+10FFFF', [0xf4, 0x90, 0x80, 0x80], 0],
])('%s is found where it is', (_name, bytes, offset) => {
  const before = [0xff, 0xff];
  const all = Uint8Array.from([...before, ...bytes, 0xff]);
  expect(findInvalidUtf8(all, 2, 2 + bytes.length)).toBe(2 + offset);
});

test('a byte order mark is a character like others [MQTT-1.5.4-3]', () => {
  expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), 0, 4)).toBe('\ufeffa');
});
