import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  type Applied,
  appliedBody,
  FrameType,
  forwardParts,
  joinTargets,
  type Link,
  LinkSet,
  type Resume,
  type Resumed,
  readApplied,
  readForward,
  readResume,
  readResumed,
  resumeBody,
  resumedBody,
} from '@promptmq/cluster';
import { Delivery, type Message, STORED_MESSAGE } from '@promptmq/session';
import { FaultyFiles, MemoryIndex, systemError } from '@promptmq/wal/testing';
import { Broker } from '../../src/broker.ts';
import { Forwarding } from '../../src/cluster/forwarding/forwarding.ts';
import { parseConfig } from '../../src/config/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { nodeRuntime } from '../../src/runtime/runtime.ts';
import type { BrokerSession } from '../../src/sessions/broker-session.ts';

/** The other cell, which is played here. */
const OTHER = 1;

/** A link that notes what is sent on it. */
class NotedLink implements Link {
  readonly peer = { node: 'other', incarnation: '1', cells: [{ cell: OTHER, epoch: 1 }] };
  isUp = true;
  readonly figures = { roundTripMs: 0, sentBytes: [0, 0], receivedBytes: [0, 0] } as const;
  readonly sent: { type: number; body: Uint8Array }[] = [];

  #onSent: () => void = () => {};

  send(type: number, ...parts: readonly Uint8Array[]): void {
    this.sent.push({ type, body: Buffer.concat(parts) });
    this.#onSent();
  }

  /** As many frames of a type, when they have been sent. */
  async first(type: number, count: number): Promise<Uint8Array[]> {
    while (this.take(type).length < count) {
      await new Promise<void>((resolve) => {
        this.#onSent = resolve;
      });
    }
    return this.take(type);
  }

  /** So many messages it takes until it is busy. */
  forwardsMax = Number.POSITIVE_INFINITY;

  isBusy(): boolean {
    return this.take(FrameType.forward).length >= this.forwardsMax;
  }

  close(): void {
    this.isUp = false;
  }

  take(type: number): Uint8Array[] {
    return this.sent.filter((one) => one.type === type).map(({ body }) => body);
  }
}

let files: FaultyFiles;
let index: MemoryIndex;
let wallMs: number;
let errors: string[];
let broker: Broker;
let forwarding: Forwarding;
let links: LinkSet;
/** What is known of the subscriptions of all cells is waited for so. */
let whenWhole: (callback: () => void) => void;
let link: NotedLink;

/** A process on the disk that there is, with a link to the other cell. */
async function start(): Promise<void> {
  const config = parseConfig({ storage: { dataDir: '/data', walDir: '/wal' } });
  const log = { ...noopLogger, error: (event: string) => void errors.push(event) };
  broker = new Broker(config, { ...nodeRuntime, wallNow: () => wallMs }, log);
  await broker.recover({ files, index });
  links = new LinkSet((error) => void errors.push((error as Error).message));
  forwarding = new Forwarding(broker, 0, links, { useForwarding: () => {}, whenWhole });
  relink();
}

function relink(): void {
  link = new NotedLink();
  links.add(link);
}

async function restart(): Promise<void> {
  forwarding.stop();
  await broker.stop(0, 0);
  wallMs += 1000;
  await start();
}

beforeEach(async () => {
  whenWhole = (callback) => callback();
  files = new FaultyFiles();
  index = new MemoryIndex();
  wallMs = Date.UTC(2030, 0, 1);
  errors = [];
  await start();
});

afterEach(async () => {
  forwarding.stop();
  await broker.stop(0, 0);
});

/** All that was appended is committed. */
function committed(): Promise<void> {
  const { journal } = broker;
  return new Promise((resolve) => {
    journal.whenCommitted({
      position: journal.lastPosition,
      onCommitted: () => setImmediate(resolve),
      onRefused: resolve,
    });
  });
}

/** A message waits for the other cell. @returns its sequence */
async function publish(
  text: string,
  expiresInMs = Number.POSITIVE_INFINITY,
  retain = false,
): Promise<number> {
  const message: Message = {
    ...STORED_MESSAGE,
    topic: 't',
    topicBytes: Buffer.from('t'),
    payload: Buffer.from(text),
    qos: 1,
    expiresAt: broker.runtime.now() + expiresInMs,
  };
  const session = forwarding.sessionOf(OTHER);
  const delivery = new Delivery(message, 1, retain);
  broker.journal.writeMessage(message, [session], [delivery], null, false, undefined);
  session.deliver(delivery, broker.runtime.now());
  await committed();
  return delivery.sequence;
}

/** The other cell says up to where it has what it was sent. */
function resume(applied: Partial<Resume> = {}): Resumed {
  const said = { to: OTHER, from: 0, attempt: 1, generation: 0, sequence: 0, ...applied };
  links.frame(link, FrameType.resume, resumeBody(said));
  return readResumed(link.take(FrameType.resumed).at(-1) as Uint8Array);
}

function apply(sequence: number): void {
  const applied: Applied = { to: OTHER, from: 0, sequence };
  links.frame(link, FrameType.applied, appliedBody(applied));
}

/** The payloads of the messages that were sent, when there are so many. */
async function forwarded(count: number): Promise<string[]> {
  const bodies = await link.first(FrameType.forward, count);
  return bodies.map((body) => Buffer.from(readForward(body).message.payload).toString());
}

const waiting = () => {
  const { queuedCount, inflightCount } = forwarding.sessionOf(OTHER);
  return queuedCount + inflightCount;
};

test('nothing is sent before the other cell has said what it has, and then all that waits', async () => {
  await publish('a');
  await publish('b');
  expect(link.take(FrameType.forward)).toEqual([]);
  const { generation, sequence, attempt } = resume({ attempt: 7 });
  expect({ sequence, attempt }).toEqual({ sequence: 0, attempt: 7 });
  expect(generation).toBe(broker.journal.generation);
  expect(await forwarded(2)).toEqual(['a', 'b']);
  forwarding.checkInvariants();
});

test('what the other cell has is settled, and the rest is sent again on another link', async () => {
  const { generation } = resume();
  const a = await publish('a');
  await publish('b');
  expect(await forwarded(2)).toEqual(['a', 'b']);
  link.close();
  relink();
  resume({ generation, sequence: a });
  expect(await forwarded(1)).toEqual(['b']);
  expect(waiting()).toBe(1);
  forwarding.checkInvariants();
});

test('nothing is taken from another cell before it is known what all have subscribed to', async () => {
  let onWhole = () => {};
  whenWhole = (callback) => {
    onWhole = callback;
  };
  await restart();
  expect(link.take(FrameType.resume)).toEqual([]);
  const former = link;
  links.remove(former, 'it broke');
  relink();
  onWhole();
  expect(former.take(FrameType.resume)).toEqual([]);
  expect(link.take(FrameType.resume).length).toBe(1);
});

test('APPLIED settles all up to it, also over a restart', async () => {
  const { generation } = resume();
  await publish('a');
  const b = await publish('b');
  await publish('c');
  apply(b);
  expect(waiting()).toBe(1);
  await restart();
  expect(waiting()).toBe(1);
  resume({ generation, sequence: b });
  await committed();
  expect(await forwarded(1)).toEqual(['c']);
});

test('who waits until all is applied is called back when what is left has expired, found only when it was read', async () => {
  await publish('a', 1);
  await restart();
  let isApplied = false;
  const applied = new Promise<void>((resolve) => {
    forwarding.whenApplied([OTHER], () => {
      isApplied = true;
      resolve();
    });
  });
  expect(isApplied).toBe(false);
  resume();
  expect(isApplied).toBe(false);
  await applied;
  expect(await forwarded(0)).toEqual([]);
});

test('who waits until all is applied does not wait for QoS 0, which nobody says has come', () => {
  resume();
  link.forwardsMax = 0;
  const message = { ...STORED_MESSAGE, topic: 't', topicBytes: Buffer.from('t'), qos: 0 } as const;
  forwarding.sessionOf(OTHER).deliver(new Delivery(message, 0, false), broker.runtime.now());
  expect(waiting()).toBe(1);
  let isApplied = false;
  forwarding.whenApplied([OTHER], () => {
    isApplied = true;
  });
  expect(isApplied).toBe(true);
});

test('who waits until all is applied is called back when the disk has refused what is left', async () => {
  resume();
  files.beforeOperation = (name) => {
    if (name === 'write') throw systemError('ENOSPC', name);
  };
  const published = publish('refused');
  const applied = new Promise<void>((resolve) => forwarding.whenApplied([OTHER], resolve));
  expect(waiting()).toBe(1);
  await published;
  await applied;
  expect(waiting()).toBe(0);
  files.beforeOperation = () => {};
});

test('what is retained goes to the other cell although it has expired, over a restart, too: it takes the place of an older one there', async () => {
  await publish('a', 1);
  await publish('b', 1, true);
  await publish('c', 1);
  await restart();
  await publish('d');
  resume();
  expect(await forwarded(2)).toEqual(['b', 'd']);
  const [first] = link.take(FrameType.forward);
  expect(readForward(first as Uint8Array).expiresInMs).toBe(0);
});

test('a session of another cell is no client: it is not counted, and comes back after a restart', async () => {
  await publish('a');
  expect(broker.sessions.count).toBe(0);
  expect([...broker.sessions.all()]).toEqual([]);
  expect(broker.stats.sessionsCurrent).toBe(0);
  await restart();
  expect(broker.sessions.count).toBe(0);
  expect(broker.sessions.queuedCount).toBe(0);
  expect(waiting()).toBe(1);
  broker.checkInvariants();
});

test('what the other cell had of another log is nothing of this one', async () => {
  const { generation } = resume();
  const sequence = await publish('a');
  forwarding.stop();
  await broker.stop(0, 0);
  // A new disk, and a clock that is slow: the numbers may be the same.
  files = new FaultyFiles();
  index = new MemoryIndex();
  await start();
  await publish('new');
  expect(resume({ generation, sequence }).sequence).toBe(0);
  expect(await forwarded(1)).toEqual(['new']);
  expect(broker.journal.generation).not.toBe(generation);
});

test('a process numbers messages from the wall clock on, above all that a former one may have given', async () => {
  const before = await publish('a');
  expect(before).toBe(wallMs * 1024 + 1);
  await restart();
  expect(await publish('b')).toBe(wallMs * 1024 + 1);
  wallMs = Date.UTC(2020, 0, 1);
  const last = await publish('c');
  await restart();
  expect(await publish('d')).toBe(last + 1);
});

test('a log that was put back in time says so, and what it has since is sent', async () => {
  const { generation } = resume();
  const known = await publish('a');
  await restart();
  await publish('b');
  const ahead = known + 2 ** 40;
  expect(resume({ generation, sequence: ahead }).sequence).toBe(known);
  await committed();
  expect(await forwarded(1)).toEqual(['b']);
  expect(errors).toEqual(['forwarding-behind']);
});

test('the other cell can’t have applied what was never sent: the link ends', async () => {
  resume();
  const sequence = await publish('a');
  apply(sequence + 1);
  expect(errors).toEqual([`cell 1 has applied ${sequence + 1}, which was never sent`]);
  expect(link.isUp).toBe(false);
});

test('no more is under way than 4 MB beside the last message', async () => {
  resume();
  const megabyte = 'x'.repeat(1024 * 1024);
  const sequences: number[] = [];
  for (let count = 0; count < 6; count++) sequences.push(await publish(megabyte));
  expect(link.take(FrameType.forward)).toHaveLength(4);
  apply(sequences[0] as number);
  expect(await link.first(FrameType.forward, 5)).toHaveLength(5);
  forwarding.checkInvariants();
});

test('frames for another cell end the link', () => {
  links.frame(
    link,
    FrameType.resume,
    resumeBody({ to: 1, from: 2, attempt: 1, generation: 0, sequence: 0 }),
  );
  expect(errors).toEqual(['cell 2 is not served here']);
});

/** What the other cell forwards, with a sequence. */
function forward(sequence: number, targets = '', expiresInMs = Number.POSITIVE_INFINITY): void {
  const head = { from: OTHER, to: 0, sequence, targets, qos: 1, retain: false } as const;
  const message: Message = { ...STORED_MESSAGE, topicBytes: Buffer.from('t'), qos: 1 };
  const parts = forwardParts({ ...head, expiresInMs }, message);
  links.frame(link, FrameType.forward, Buffer.concat(parts));
}

/** The last RESUME, which says what is applied here. */
const asked = () => readResume(link.take(FrameType.resume).at(-1) as Uint8Array);

function answer(attempt: number, sequence = 0): void {
  const resumed = { to: 0, from: OTHER, attempt, generation: 5, sequence };
  links.frame(link, FrameType.resumed, resumedBody(resumed));
}

/** Somebody here has subscribed, and what comes is stored. */
function subscribe(): BrokerSession {
  const { session } = broker.sessions.open('subscriber', false, null, 'session');
  session.expiryInterval = 1000;
  broker.journal.writeSession(broker.sessions.entryOf(session));
  add(session, 't');
  return session;
}

/** The same, and nothing is stored. */
function subscribeUnstored(clientId: string, topicFilter: string): BrokerSession {
  const { session } = broker.sessions.open(clientId, true, null, 'none');
  add(session, topicFilter);
  return session;
}

function add(session: BrokerSession, topicFilter: string): void {
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const subscription = { topicFilter, qos: 1, ...options, subscriptionIdentifier: 0 } as const;
  broker.sessions.entryOf(session).subscriptions.add(subscription);
}

test('what comes is not taken before RESUMED, nor after the answer to an older RESUME', async () => {
  const session = subscribe();
  const { attempt, ...said } = asked();
  expect(said).toEqual({ to: 0, from: OTHER, generation: 0, sequence: 0 });
  forward(1);
  answer(attempt + 1);
  forward(2);
  expect(session.queuedCount).toBe(0);
  answer(attempt);
  forward(3);
  forward(3);
  forward(2);
  expect(session.queuedCount).toBe(1);
  expect(broker.stats.forwarding).toMatchObject({ applied: 1, duplicates: 2 });
  const [applied] = await link.first(FrameType.applied, 1);
  expect(readApplied(applied as Uint8Array)).toEqual({ to: 0, from: OTHER, sequence: 3 });
});

test('what has expired on its way, as it was sent once before, is applied and goes to nobody [MQTT-3.3.2-5]', async () => {
  const session = subscribe();
  const atOnce: unknown[] = [];
  const unstored = subscribeUnstored('unstored', 't');
  unstored.deliver = (delivery) => void atOnce.push(delivery);
  answer(asked().attempt);
  forward(1, '', 0);
  expect([session.queuedCount, atOnce.length]).toEqual([0, 0]);
  const [applied] = await link.first(FrameType.applied, 1);
  expect(readApplied(applied as Uint8Array).sequence).toBe(1);
  forward(2, '', 1000);
  expect([session.queuedCount, broker.stats.forwarding.applied]).toEqual([1, 2]);
});

test('RESUME says what is committed, and APPLIED follows for what wasn’t yet', async () => {
  const session = subscribe();
  answer(asked().attempt);
  forward(3);
  expect(link.take(FrameType.applied)).toEqual([]);
  relink();
  const { attempt, generation, sequence } = asked();
  expect({ generation, sequence }).toEqual({ generation: 5, sequence: 0 });
  answer(attempt);
  forward(3);
  const [applied] = await link.first(FrameType.applied, 1);
  expect(readApplied(applied as Uint8Array).sequence).toBe(3);
  expect(session.queuedCount).toBe(1);
  relink();
  expect(asked().sequence).toBe(3);
  forwarding.checkInvariants();
});

test('what was applied is known after a restart', async () => {
  subscribe();
  answer(asked().attempt);
  forward(3);
  await link.first(FrameType.applied, 1);
  await restart();
  const { attempt, generation, sequence } = asked();
  expect({ generation, sequence }).toEqual({ generation: 5, sequence: 3 });
  answer(attempt, 3);
  forward(3);
  expect(broker.stats.forwarding.duplicates).toBe(1);
});

test('what a full disk refuses is asked for again when there is room, and not taken before', async () => {
  const session = subscribe();
  answer(asked().attempt);
  await committed();
  files.capacity = files.used;
  forward(3);
  await full();
  expect(session.queuedCount).toBe(0);
  forward(4);
  expect(session.queuedCount).toBe(0);
  files.capacity = Number.POSITIVE_INFINITY;
  await link.first(FrameType.resume, 2);
  const { attempt, sequence } = asked();
  expect(sequence).toBe(0);
  forward(5);
  answer(attempt);
  forward(3);
  forward(4);
  expect(session.queuedCount).toBe(2);
});

test('what the disk refuses after it was taken comes again for those in the log alone, of a shared group for nobody who has it', async () => {
  const targets = joinTargets({ isPlain: true, groups: ['$share/g/t'] });
  const stored = subscribe();
  const live = subscribeUnstored('live', 't');
  const member = subscribeUnstored('member', '$share/g/t');
  answer(asked().attempt);
  await committed();
  files.capacity = files.used;
  // Taken, and refused when it is written.
  forward(3, targets);
  const has = () => [live, member].map(({ queuedCount }) => queuedCount);
  expect(has()).toEqual([1, 1]);
  await full();
  expect(stored.queuedCount).toBe(0);
  files.capacity = Number.POSITIVE_INFINITY;
  await link.first(FrameType.resume, 2);
  answer(asked().attempt);
  forward(3, targets);
  forward(4);
  expect([stored.queuedCount, ...has()]).toEqual([2, 2, 1]);
  await committed();
  forwarding.checkInvariants();
});

test('what comes at QoS 0 is taken in its place among what waits for its turn', () => {
  const session = subscribe();
  answer(asked().attempt);
  let before = -1;
  let number = 0;
  // As many as a turn has room for, and one more.
  while (forwarding.isInOrder(OTHER)) forward(++number);
  const taken = forwarding.takeInOrder(OTHER, 't', Buffer.from('x'), (body) => {
    before = session.queuedCount;
    expect(`${Buffer.from(body)}`).toBe('x');
  });
  expect([taken, before]).toEqual([true, -1]);
  forward(++number);
  const waiting = new Promise((resolve) => {
    forwarding.takeInOrder(OTHER, 't', Buffer.from('y'), resolve);
  });
  forwarding.checkInvariants();
  return waiting.then(() => {
    expect(before).toBe(number - 1);
    expect(session.queuedCount).toBe(number);
    expect(forwarding.isInOrder(OTHER)).toBe(true);
  });
});

test('more than a megabyte at QoS 0 doesn’t wait behind it, and is dropped', () => {
  subscribe();
  answer(asked().attempt);
  let number = 0;
  while (forwarding.isInOrder(OTHER)) forward(++number);
  const large = Buffer.alloc(600_000);
  const takes = [1, 2, 3].map(() => forwarding.takeInOrder(OTHER, 't', large, () => {}));
  expect(takes).toEqual([true, true, false]);
  // Who comes by another link begins again.
  relink();
  expect(forwarding.isInOrder(OTHER)).toBe(true);
  forwarding.checkInvariants();
});

test('what a full disk has refused is not overtaken at QoS 0 by what comes later of its topic: that is dropped', async () => {
  subscribe();
  answer(asked().attempt);
  await committed();
  files.capacity = files.used;
  forward(3);
  await full();
  forward(4);
  const taken: string[] = [];
  const take = (topic: string) =>
    forwarding.takeInOrder(OTHER, topic, Buffer.from(topic), () => void taken.push(topic));
  expect([take('t'), take('u')]).toEqual([false, true]);
  files.capacity = Number.POSITIVE_INFINITY;
  await link.first(FrameType.resume, 2);
  expect([take('t'), taken]).toEqual([false, ['u']]);
  answer(asked().attempt);
  expect([take('t'), taken]).toEqual([true, ['u', 't']]);
});

/** A message of QoS 0 goes to the other cell by the session. */
function transient(text: string): void {
  const bytes = { topic: 't', topicBytes: Buffer.from('t'), payload: Buffer.from(text) };
  const delivery = new Delivery({ ...STORED_MESSAGE, ...bytes, qos: 0 }, 0, false);
  forwarding.sessionOf(OTHER).deliver(delivery, broker.runtime.now());
}

test('what goes at QoS 0 waits for what is stored of its topic, and goes in its place', async () => {
  resume();
  forwarding.noteStored(OTHER, 't', 0);
  const stored = publish('stored');
  expect([forwarding.isBehind(OTHER, 't'), forwarding.isBehind(OTHER, 'u')]).toEqual([true, false]);
  transient('transient');
  const sequence = await stored;
  expect(await forwarded(2)).toEqual(['stored', 'transient']);
  expect(forwarding.isBehind(OTHER, 't')).toBe(false);
  const heads = link.take(FrameType.forward).map((body) => readForward(body).sequence);
  expect(heads).toEqual([sequence, 0]);
  forwarding.checkInvariants();
});

test('what waits at QoS 0 is not overtaken by the next of its topic, whatever it waits behind', async () => {
  resume();
  link.forwardsMax = 1;
  forwarding.noteStored(OTHER, 't', 0);
  const stored = [publish('stored'), publish('stored of another topic')];
  expect(forwarding.isBehind(OTHER, 't')).toBe(true);
  transient('transient');
  await Promise.all(stored);
  expect(await forwarded(1)).toEqual(['stored']);
  expect([forwarding.isBehind(OTHER, 't'), forwarding.isBehind(OTHER, 'u')]).toEqual([true, false]);
  link.forwardsMax = Number.POSITIVE_INFINITY;
  links.drained(link, 2);
  expect(await forwarded(3)).toEqual(['stored', 'stored of another topic', 'transient']);
  expect(forwarding.isBehind(OTHER, 't')).toBe(false);
});

test('after a link was broken, what goes at QoS 0 waits until all has been sent again, whatever its topic', async () => {
  const { generation } = resume();
  await publish('a');
  await forwarded(1);
  expect(forwarding.isBehind(OTHER, 'u')).toBe(false);
  links.remove(link, 'cut');
  expect(forwarding.isBehind(OTHER, 'u')).toBe(true);
  relink();
  const later = publish('b');
  resume({ generation });
  expect(forwarding.isBehind(OTHER, 'u')).toBe(true);
  await later;
  expect(await forwarded(2)).toEqual(['a', 'b']);
  expect(forwarding.isBehind(OTHER, 'u')).toBe(false);
  // At QoS 0 nothing waits for a cell that is away.
  links.remove(link, 'cut');
  const bytes = { topic: 't', topicBytes: Buffer.from('t'), payload: Buffer.from('x') };
  const delivery = new Delivery({ ...STORED_MESSAGE, ...bytes, qos: 0 }, 0, false);
  forwarding.sessionOf(OTHER).deliver(delivery, broker.runtime.now());
  expect(broker.stats.dropped['cell-away']).toBe(1);
});

/** The disk has refused what was written. */
function full(): Promise<void> {
  const { journal } = broker;
  return new Promise((resolve) => {
    const position = journal.lastPosition;
    journal.whenCommitted({ position, onCommitted: () => {}, onRefused: resolve });
  });
}
