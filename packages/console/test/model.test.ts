import { expect, test } from '@jest/globals';
import {
  bestView,
  exactText,
  fromBase64,
  fromHex,
  payloadLine,
  shownPayload,
  toBase64,
} from '../src/model/payload.ts';
import { TopicTree } from '../src/model/topic-tree.ts';
import { rowsOf } from '../src/pages/topics/tree-rows.ts';
import { addressesOf } from '../src/pages/try/addresses.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

const MESSAGE = {
  payload: bytes('1'),
  size: 1,
  qos: 0,
  isRetained: false,
  publisher: 'p',
  at: 0,
};

const ROWS = { open: new Map<string, boolean>(), search: '', order: 'name' } as const;

test('payloads are shown as what they are, and cut where they are large', () => {
  expect(bestView(bytes(' {"a":1}'))).toBe('json');
  expect(bestView(bytes('12.5'))).toBe('text');
  expect(bestView(Uint8Array.of(0, 1, 2))).toBe('hex');
  expect(shownPayload(bytes('{"a":[1]}'), 'json').text).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(shownPayload(bytes('{'), 'json')).toMatchObject({ text: '{', note: /^no JSON/ });
  expect(shownPayload(bytes('<b>A'), 'hex').text).toMatch(/^000000 {2}3c 62 3e 41 +<b>A$/);
  const large = shownPayload(new Uint8Array(1_000_000).fill(0x61), 'text');
  expect(large.text).toHaveLength(65_536);
  expect(large.note).toBe('the first 65,536 of 1,000,000 bytes');
  expect(payloadLine(bytes('a\n b'))).toBe('a b');
  expect(payloadLine(Uint8Array.of(255, 0), 30)).toBe('ff 00 …');
  // The last character is cut off.
  expect(payloadLine(bytes('ää').subarray(0, 3))).toContain('ä');
});

test('bytes are written as text only where nothing is lost by it', () => {
  expect(exactText(bytes('ä\n'))).toBe('ä\n');
  expect(exactText(Uint8Array.of(0xc3))).toBeNull();
  expect(exactText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBeNull();
  const all = Uint8Array.from({ length: 20_000 }, (_, index) => index);
  expect(fromBase64(toBase64(all))).toEqual(all);
  expect(fromHex('00 ff\n7F')).toEqual(Uint8Array.of(0, 255, 127));
  expect(() => fromHex('0')).toThrow(TypeError);
  expect(() => fromBase64('*')).toThrow(TypeError);
});

test('a tree of topics counts what comes below each level, and has a limit', () => {
  const tree = new TopicTree(3);
  for (const topic of ['a/b', 'a/b', 'a/c', '/']) tree.note(topic, MESSAGE);
  tree.note('x', MESSAGE);
  expect(tree.leftOut).toBe(1);
  tree.tick(2);
  expect(tree.root).toMatchObject({ count: 4, topics: 3, rate: 2, current: 0 });
  expect(tree.find('a')).toMatchObject({ count: 3, topics: 2, rate: 1.5, last: null });
  tree.noteRetained('a/b', { ...MESSAGE, payload: bytes('old') });
  expect(tree.find('a/b')).toMatchObject({ hasRetained: true, count: 2, last: MESSAGE });
});

test('levels that have one below them only stand in one line; the busiest come first where asked', () => {
  const tree = new TopicTree();
  for (const topic of ['a/b/c/d', 'a/b/c/e', 'a/b/c/e', 'z', 'z', 'z', 'z']) {
    tree.note(topic, MESSAGE);
  }
  tree.tick(1);
  const labels = (options: Partial<Parameters<typeof rowsOf>[1]>) =>
    rowsOf(tree.root, { ...ROWS, ...options }).rows.map(({ label, depth }) => `${depth} ${label}`);
  expect(labels({})).toEqual(['0 a/b/c', '1 d', '1 e', '0 z']);
  expect(labels({ order: 'rate' })).toEqual(['0 z', '0 a/b/c', '1 e', '1 d']);
  expect(labels({ open: new Map([['a/b/c', false]]) })).toEqual(['0 a/b/c', '0 z']);
  expect(labels({ search: 'c/' })).toEqual(['0 a/b/c/d', '0 a/b/c/e']);
});

test('what the broker says of levels is in the tree, and what lies below is opened when it is wanted', () => {
  const tree = new TopicTree();
  const more = { count: 1200, isPart: true };
  const level = { isTopic: false, retained: null, more: null };
  tree.noteLevel({ ...level, topic: 'a', more });
  tree.noteLevel({ ...level, topic: 'b' });
  tree.noteLevel({ ...level, topic: 'b/c', isTopic: true });
  tree.noteLevel({ ...level, topic: 'b/d', isTopic: true, retained: MESSAGE });
  expect(tree.root).toMatchObject({ topics: 2, count: 0 });
  expect(tree.find('b/d')).toMatchObject({ hasRetained: true, last: MESSAGE, isTopic: true });
  const shown = () => rowsOf(tree.root, ROWS).rows.map(({ label, isOpen }) => `${label} ${isOpen}`);
  expect(shown()).toEqual(['a false', 'b true', 'c null', 'd null']);
  // The same again, and messages that come, count nothing twice.
  tree.noteLevel({ ...level, topic: 'b/d', isTopic: true, retained: MESSAGE });
  tree.note('b/c', MESSAGE);
  tree.note('a/x', MESSAGE);
  expect(tree.root).toMatchObject({ topics: 3, count: 2 });
  expect(shown()[0]).toBe('a false');
  tree.noteLevel({ ...level, topic: 'a' });
  expect(shown().slice(0, 2)).toEqual(['a/x null', 'b true']);
});

test('addresses of listeners are those by which this page reaches them', () => {
  const listeners = [
    { id: 'tcp:a', type: 'tcp', bind: '0.0.0.0:1883' },
    { id: 'wss:b', type: 'wss', bind: '[::]:8084' },
    { id: 'ws:c', type: 'ws', bind: '127.0.0.1:8083' },
    { id: 'ws:d', type: 'ws', bind: '10.0.0.7:8083' },
  ];
  expect(addressesOf(listeners, { hostname: 'mqtt.example', protocol: 'http:' })).toEqual([
    'ws://mqtt.example:8083/mqtt',
    'ws://10.0.0.7:8083/mqtt',
    'wss://mqtt.example:8084/mqtt',
  ]);
  expect(addressesOf(listeners, { hostname: 'x', protocol: 'https:' })[0]).toMatch(/^wss:/);
});
