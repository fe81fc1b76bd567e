import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { nodeClock } from '@promptmq/wal';
import { FrameReader, FrameWriter } from '../../src/links/frames.ts';
import { LinkNode, type LinkNodeOptions } from '../../src/links/link-node.ts';
import { LINK_DEFAULTS } from '../../src/links/stream-link.ts';
import { Recorder } from './recorder.ts';

let directory: string;
let a: Recorder;
let b: Recorder;
let nodes: LinkNode[];
let failures: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'links-'));
  a = new Recorder('a');
  b = new Recorder('b');
  nodes = [];
  failures = [];
});

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await rm(directory, { recursive: true });
});

function nodeOf(recorder: Recorder, options: Partial<LinkNodeOptions> = {}): LinkNode {
  const node = new LinkNode(recorder.links, {
    ...LINK_DEFAULTS,
    clock: nodeClock,
    cluster: 'test',
    secret: 'a secret',
    self: () => recorder.end,
    handshakeMs: 60_000,
    redialMs: 1,
    redialMsMax: 20,
    onFailed: (where, { message }) => failures.push(`${where}: ${message}`),
    ...options,
  });
  nodes.push(node);
  return node;
}

/** b listens, a dials. */
async function link(
  ofA: Partial<LinkNodeOptions> = {},
  ofB: Partial<LinkNodeOptions> = {},
): Promise<void> {
  const path = join(directory, 'b.sock');
  await nodeOf(b, ofB).listen(path);
  nodeOf(a, ofA).dial('b', path);
}

async function linked(ofA: Partial<LinkNodeOptions> = {}): Promise<void> {
  await link(ofA);
  await Promise.all([a.untilHeard('up b'), b.untilHeard('up a')]);
}

describe('a link over sockets', () => {
  test('is to processes of nodes that may take part, and the other side gets to know why not', async () => {
    const peers = ['one', 'two'];
    await link(
      { self: () => ({ ...a.end, owner: 'three' }) },
      { self: () => ({ ...b.end, owner: 'one' }), peers },
    );
    const why = 'a is of node three, which is not among those that may take part';
    await until(() => failures.includes(`accept: ${why}`) && failures.includes(`b: ${why}`));
    await Promise.all(nodes.splice(0).map((node) => node.stop()));
    failures.length = 0;
    const path = join(directory, 'again.sock');
    await nodeOf(b, { self: () => ({ ...b.end, owner: 'one' }) }).listen(path);
    nodeOf(a, { self: () => ({ ...a.end, owner: 'two' }), peers }).dial('b', path);
    await Promise.all([a.untilHeard('up b'), b.untilHeard('up a')]);
    expect(a.link('b').peer.owner).toBe('one');
    expect(failures).toEqual([]);
  });

  test('both sides get to know each other, then frames go both ways', async () => {
    await linked();
    expect(a.link('b').peer).toEqual(b.end);
    expect(b.link('a').peer).toEqual(a.end);
    a.link('b').send(49, Buffer.from('to b'));
    b.link('a').send(49, Buffer.from('to a'));
    b.link('a').send(17, Buffer.from('to a, on the other lane'));
    await b.untilHeard('a 49 to b');
    await a.untilHeard('b 49 to a');
    await a.untilHeard('b 17 to a, on the other lane');
    expect(failures).toEqual([]);
  });

  test('also over TCP', async () => {
    const listening = nodeOf(b);
    await listening.listen({ host: '127.0.0.1', port: 0 });
    nodeOf(a).dial('b', { host: '127.0.0.1', port: listening.port });
    await Promise.all([a.untilHeard('up b'), b.untilHeard('up a')]);
  });

  test('what is sent as soon as the link is up arrives in its order, however much it is', async () => {
    b.links.follow({
      onUp: (up) => {
        for (let number = 0; number < 500; number++) {
          up.send(49, Buffer.from(`${number}`.padEnd(2000)));
        }
      },
    });
    await link();
    await a.until(() => a.heard.length === 501);
    const numbers = a.heard.slice(1).map((line) => Number(line.split(' ')[2]));
    expect(numbers).toEqual(Array.from({ length: 500 }, (_, number) => number));
  });

  test('large frames arrive whole, and a busy lane says when it is not any more', async () => {
    await linked({ busyBytes: 100_000 });
    const large = 'x'.repeat(5_000_000);
    a.link('b').send(49, Buffer.from(large));
    expect([a.link('b').isBusy(2), a.link('b').isBusy(1)]).toEqual([true, false]);
    await b.untilHeard(`a 49 ${large}`);
    await a.until(() => a.drained.length > 0);
    expect([a.drained, a.link('b').isBusy(2)]).toEqual([[2], false]);
  });

  test('a frame that is larger than any may be ends the link on the side that gets it', async () => {
    await link({}, { frameSizeMax: 1000 });
    await b.untilHeard('up a');
    await a.untilHeard('up b');
    a.link('b').send(49, Buffer.alloc(1000));
    await b.untilHeard('down a: a frame of 1001 bytes, at most 1000');
  });

  test('is dialled again when it is down, also when the other process was away', async () => {
    await linked();
    await nodes[0]?.stop();
    await a.until(() => a.heard.length === 2);
    await nodeOf(b).listen(join(directory, 'b.sock'));
    await a.until(() => a.heard.length === 3);
    expect([a.heard[0], a.heard[2]]).toEqual(['up b', 'up b']);
    expect(a.heard[1]).toMatch(/^down b: /);
    expect(b.heard).toContain('down a: this process stops');
  });

  test.each([
    ['nobody listens at', false],
    ['says nothing at', true],
  ])('one that %s its former address is dialled at the next one at once', async (_, isMute) => {
    const former = join(directory, 'former.sock');
    const mute = createServer((socket) => socket.resume());
    if (isMute) await new Promise<void>((resolve) => mute.listen(former, resolve));
    const connected = new Promise((resolve) => mute.once('connection', resolve));
    const dialling = nodeOf(a, { redialMs: 600_000, redialMsMax: 600_000 });
    dialling.dial('b', former);
    if (isMute) await connected;
    else await until(() => failures.length > 0);
    const path = join(directory, 'b.sock');
    await nodeOf(b).listen(path);
    dialling.dial('b', path);
    await Promise.all([a.untilHeard('up b'), b.untilHeard('up a')]);
    if (isMute) await new Promise((resolve) => mute.close(resolve));
  });

  test('one that is closed on this side is heard of at once, and dialled again', async () => {
    await linked();
    a.link('b').close('enough');
    expect(a.heard[1]).toBe('down b: enough');
    expect(a.links.of('b')).toBeNull();
    await a.until(() => a.heard.length === 3);
    await b.until(() => b.heard.filter((line) => line === 'up a').length === 2);
  });

  test('who does not know the secret gets no link, and is told nothing', async () => {
    await link({ secret: 'another one' });
    await until(() => failures.includes('b: the other side does not know the secret'));
    expect([a.heard, b.heard]).toEqual([[], []]);
  });

  test('a proof that is none is refused without a word', async () => {
    const path = join(directory, 'b.sock');
    await nodeOf(b).listen(path);
    const socket = await connected(path);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const types: number[] = [];
    const reader = new FrameReader(10_000, (type) => types.push(type));
    socket.on('data', (chunk) => reader.push(chunk));
    socket.write(frameOf(1, helloWith({})));
    socket.write(frameOf(2, 'x'.repeat(32)));
    await closed;
    expect(failures).toEqual(['accept: the other side does not know the secret']);
    expect(types).toEqual([1, 2]);
  });

  test('who is of another cluster, or not taken, gets to know why', async () => {
    await link({ cluster: 'other' }, {});
    await until(() => failures.some((line) => line.startsWith('b: ')));
    expect(failures).toContain('b: the cluster is called test here');
    expect(failures).toContain('accept: the cluster is called test here');

    failures = [];
    const path = join(directory, 'c.sock');
    const c = new Recorder('c');
    await nodeOf(c, { admit: ({ node }) => `${node} has left` }).listen(path);
    nodeOf(a).dial('c', path);
    await until(() => failures.includes('c: a has left'));
    expect(c.heard).toEqual([]);
  });

  test('a node that is not the one that was dialled is not linked to', async () => {
    const path = join(directory, 'b.sock');
    await nodeOf(b).listen(path);
    nodeOf(a).dial('c', path);
    await until(() => failures.includes('c: it is b'));
    expect(a.heard).toEqual([]);
  });

  test.each([
    ['nothing of the protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'a frame of'],
    ['another frame first', frameOf(2, 'x'), 'frame 2 instead of 1'],
    ['a HELLO that is not JSON', frameOf(1, '{'), 'a HELLO that is none'],
    ['a HELLO that lacks something', frameOf(1, '{"node":"a"}'), 'a HELLO that is none'],
    [
      'a HELLO of another protocol',
      frameOf(1, helloWith({ protocolMin: 9, protocolMax: 9 })),
      'link protocol 9 to 9, and here 1 to 1',
    ],
    [
      'a HELLO with a cell that there can not be',
      frameOf(1, helloWith({ cells: [{ cell: 64, epoch: 1 }] })),
      'a HELLO that is none',
    ],
    [
      'a HELLO without randomness',
      frameOf(1, helloWith({ nonce: 'AAAA' })),
      'a HELLO that is none',
    ],
  ])('%s: the socket is closed', async (_, bytes, why) => {
    const path = join(directory, 'b.sock');
    await nodeOf(b).listen(path);
    const socket = await connected(path);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    socket.write(bytes);
    await closed;
    expect(failures).toEqual([expect.stringContaining(why)]);
  });

  test('a handshake that takes too long is given up, on both sides', async () => {
    const path = join(directory, 'mute.sock');
    const mute = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => mute.listen(path, resolve));
    nodeOf(a, { handshakeMs: 5 }).dial('b', path);
    await until(() => failures.includes('b: no handshake within 5 ms'));
    await nodes[0]?.stop();
    await new Promise((resolve) => mute.close(resolve));

    const listening = join(directory, 'b.sock');
    await nodeOf(b, { handshakeMs: 5 }).listen(listening);
    const socket = await connected(listening);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(failures).toContain('accept: no handshake within 5 ms');
  });

  test('the other side is dead when it says nothing for too long', async () => {
    const path = join(directory, 'b.sock');
    await nodeOf(b, { pingMs: 600_000, silentMs: 1_200_000 }).listen(path);
    // Its clock runs a second at each look: no answer to a PING is that fast.
    let now = 0;
    const timers: (() => void)[] = [];
    const clock = {
      ...nodeClock,
      now: () => now,
      setTimer: (delayMs: number, callback: () => void) => {
        if (delayMs !== 500) return nodeClock.setTimer(delayMs, callback);
        timers.push(callback);
        return () => {};
      },
    };
    nodeOf(a, { clock }).dial('b', path);
    await a.untilHeard('up b');
    const pass = (ms: number) => {
      now += ms;
      timers.shift()?.();
    };
    // A process that was held up asks again before it says that.
    pass(60_000);
    expect(a.heard).toEqual(['up b']);
    for (let count = 0; count < 5; count++) pass(500);
    expect(a.heard).toEqual(['up b', 'down b: nothing has come for 2000 ms']);
  });

  test('what is sent soon after a write is held for a moment, unless it is much', async () => {
    const gatheringMs = 3;
    const held: (() => void)[] = [];
    let now = 0;
    const clock = {
      ...nodeClock,
      now: () => now,
      setTimer: (delayMs: number, callback: () => void) => {
        if (delayMs > gatheringMs) return nodeClock.setTimer(delayMs, callback);
        held.push(callback);
        return () => held.splice(held.indexOf(callback), 1);
      },
    };
    await linked({ clock, gatheringMs, pingMs: 600_000, silentMs: 1_200_000, redialMs: 60_000 });
    now = 1000;
    const made = a.link('b');
    made.send(49, Buffer.from('first'));
    await b.untilHeard('a 49 first');
    now += 2;
    made.send(49, Buffer.from('soon'));
    made.send(17, Buffer.from('other lane'));
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(b.heard).not.toContain('a 49 soon');
    expect(held).toHaveLength(1);
    now += 1;
    held[0]?.();
    await Promise.all([b.untilHeard('a 49 soon'), b.untilHeard('a 17 other lane')]);
    expect(held).toHaveLength(0);

    made.send(49, Buffer.from('with what is much'));
    made.send(49, Buffer.alloc(20_000, 'x'));
    await b.untilHeard('a 49 with what is much');
    expect(held).toHaveLength(0);

    now += gatheringMs;
    made.send(49, Buffer.from('later'));
    await b.untilHeard('a 49 later');
    now += 1;
    made.send(49, Buffer.from('lost'));
    made.close('it was asked to');
    expect(held).toHaveLength(0);
  });

  test('a PING is answered, and its way there and back is known', async () => {
    let now = 0;
    const clock = { ...nodeClock, now: () => now++ };
    await linked({ clock, pingMs: 1 });
    const made = a.link('b');
    await until(() => made.figures.roundTripMs > 0);
  });
});

/** Looks again and again, in turns of the event loop. */
async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise(setImmediate);
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(socket));
    socket.on('error', () => {});
  });
}

function frameOf(type: number, body: string): Buffer {
  const writer = new FrameWriter();
  writer.add(type, [Buffer.from(body)]);
  return Buffer.concat(writer.take());
}

function helloWith(other: object): string {
  return JSON.stringify({
    protocolMin: 1,
    protocolMax: 1,
    cluster: 'test',
    node: 'a',
    incarnation: '1',
    cells: [],
    lane: 1,
    link: 'l',
    nonce: Buffer.alloc(32).toString('base64'),
    ...other,
  });
}
