import { expect, test } from '@jest/globals';
import { withCredentials } from '../src/client/with-credentials.ts';
import { bytes, field, packet, u16 } from '../src/wire/bytes.ts';
import { connect, pingreq } from '../src/wire/client-packets.ts';

const CREDENTIALS = { username: 'alice', password: 'secret' };
const PLAIN = { clientId: 'c', will: { topic: 't', payload: 'p' } };

test.each([3, 4, 5] as const)('a CONNECT of level %j gets them at its end', (version) => {
  const sent = withCredentials(connect({ ...PLAIN, version }), CREDENTIALS);
  expect(sent).toEqual(connect({ ...PLAIN, version, ...CREDENTIALS }));
});

test('a user name may come alone', () => {
  const sent = withCredentials(connect(PLAIN), { username: 'alice', password: null });
  expect(sent).toEqual(connect({ ...PLAIN, username: 'alice' }));
});

test('what follows the CONNECT stays behind it', () => {
  const sent = withCredentials(bytes(connect(PLAIN), pingreq), CREDENTIALS);
  expect(sent).toEqual(bytes(connect({ ...PLAIN, ...CREDENTIALS }), pingreq));
});

test('what is wrong with it stays wrong: flags, and a length in more bytes than it needs', () => {
  const body = (flags: number, ...rest: Uint8Array[]) =>
    bytes(field('MQTT'), 5, flags, u16(60), 0, field('c'), ...rest);
  const credentials = [field('alice'), field('secret')];
  const long = body(2);
  expect(withCredentials(bytes(0x13, long.length | 0x80, 0, long), CREDENTIALS)).toEqual(
    bytes(0x13, body(0xc2, ...credentials).length | 0x80, 0, body(0xc2, ...credentials)),
  );
});

test.each([
  ['that names somebody', connect({ clientId: 'c', username: 'bob' })],
  ['that is cut short', connect(PLAIN).subarray(0, 9)],
  ['of two bytes', Uint8Array.of(0x10, 0)],
  ['without flags', packet(0x10, field('MQTT'), 5)],
  ['that is none', pingreq],
])('a CONNECT %s is left as it is', (_, chunk) => {
  expect(withCredentials(chunk, CREDENTIALS)).toEqual(chunk);
});
