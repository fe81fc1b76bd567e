import { expect, test } from '@jest/globals';
import type { Message } from '@promptmq/session';
import { type ForwardHead, forwardParts, readForward } from '../../src/forward/forward.ts';
import {
  appliedBody,
  readApplied,
  readResume,
  readResumed,
  resumeBody,
  resumedBody,
} from '../../src/forward/progress.ts';
import { joinTargets, splitTargets } from '../../src/forward/targets.ts';

const message: Message = {
  topic: 'a/b',
  topicBytes: Buffer.from('a/b'),
  properties: Buffer.from([1, 1]),
  payload: Buffer.from('hi'),
  qos: 2,
  retain: true,
  expiresAt: 77,
  publisherId: 'pub',
};

const head: ForwardHead = {
  from: 1,
  to: 2,
  sequence: 9,
  targets: joinTargets({ isPlain: true, groups: [] }),
  qos: 2,
  retain: true,
  expiresInMs: 500,
};
const body = (parts: readonly Uint8Array[]) => Buffer.concat(parts);

test('FORWARD, byte by byte', () => {
  const groups = joinTargets({ isPlain: false, groups: ['$share/g/a'] });
  const bytes = body(forwardParts({ ...head, targets: groups }, message));
  expect(bytes.toString('hex')).toBe(
    [
      '01 02 0e 0000000000002240 0000000000407f40 0a000000 2473686172652f672f61',
      '0300 707562 0300 612f62 02000000 0101 6869',
    ]
      .join('')
      .replaceAll(' ', ''),
  );
});

test.each([
  ['for ordinary subscribers', { isPlain: true, groups: [] }],
  ['for one of a group', { isPlain: false, groups: ['$share/ü/#'] }],
  ['for both, and another group', { isPlain: true, groups: ['$share/g/a', '$share/h/+'] }],
])('a message %s is read as it was written', (_name, targets) => {
  const numbers = { from: 63, to: 0, sequence: 2 ** 51, expiresInMs: 0.5 };
  const parts = forwardParts({ ...head, ...numbers, targets: joinTargets(targets) }, message);
  const forward = readForward(body(parts));
  expect(forward).toMatchObject({ ...numbers, targets });
  const { topic, topicBytes, properties, payload } = forward.message;
  expect(topic).toBe('a/b');
  expect(body([topicBytes, properties, payload]).toString('latin1')).toBe('a/b\x01\x01hi');
  expect(forward.message).toMatchObject({ qos: 2, retain: true, publisherId: 'pub' });
  expect(forward.message.expiresAt).toBe(Number.POSITIVE_INFINITY);
});

test('one that never expires says so, and what is empty is', () => {
  const empty = { ...message, properties: Buffer.of(), payload: Buffer.of(), publisherId: '' };
  const expiresInMs = Number.POSITIVE_INFINITY;
  const forward = readForward(body(forwardParts({ ...head, expiresInMs }, empty)));
  expect(forward.expiresInMs).toBe(expiresInMs);
  expect(forward.message).toMatchObject({ publisherId: '', retain: true });
  expect(forward.message.payload).toHaveLength(0);
  expect(forward.message.properties).toHaveLength(0);
});

test('a FORWARD that ends too early is refused, wherever it ends before its payload', () => {
  const [start, properties] = forwardParts(head, message);
  const whole = Buffer.concat([start, properties]);
  for (let size = 0; size < whole.length; size++) {
    expect(() => readForward(whole.subarray(0, size))).toThrow(RangeError);
  }
  expect(readForward(whole).message.payload).toHaveLength(0);
});

test('RESUME, RESUMED and APPLIED are read as they were written, and nothing shorter or longer', () => {
  const resume = { to: 1, from: 2, attempt: 3, generation: 2 ** 47 + 1, sequence: 2 ** 51 };
  const applied = { to: 1, from: 2, sequence: 5 };
  expect(readResume(resumeBody(resume))).toEqual(resume);
  expect(readResumed(resumedBody(resume))).toEqual(resume);
  expect(readApplied(appliedBody(applied))).toEqual(applied);
  expect(Buffer.from(resumeBody(resume)).toString('hex', 0, 6)).toBe('010203000000');
  expect(Buffer.from(resumedBody(resume)).toString('hex', 0, 6)).toBe('020103000000');
  expect(Buffer.from(appliedBody(applied)).toString('hex')).toBe('01020000000000001440');
  for (const [read, bytes] of [
    [readResume, resumeBody(resume)],
    [readResumed, resumedBody(resume)],
    [readApplied, appliedBody(applied)],
  ] as const) {
    expect(() => read(bytes.subarray(1))).toThrow(RangeError);
    expect(() => read(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(RangeError);
  }
});

test('targets that are one text are the same again', () => {
  for (const targets of [
    { isPlain: true, groups: [] },
    { isPlain: false, groups: [] },
    { isPlain: false, groups: ['$share/g/a'] },
    { isPlain: true, groups: ['$share/g/a'] },
    { isPlain: false, groups: ['$share/g/a', '$share/h/a'] },
  ]) {
    expect(splitTargets(joinTargets(targets))).toEqual(targets);
  }
});
