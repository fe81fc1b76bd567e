import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  CHANNEL_WINDOW,
  type Channel,
  Channels,
  type ChannelUser,
} from '../../src/links/channels.ts';
import { FrameType } from '../../src/links/frames.ts';
import { MemoryLink } from '../../src/links/memory-link.ts';
import { Recorder } from './recorder.ts';

/** Notes what a channel reports; takes what comes unless it is told not to. */
class User implements ChannelUser {
  readonly channel: Channel;
  readonly heard: string[] = [];
  takes = true;
  bytes = 0;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  onData(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    if (bytes.length < 100) this.heard.push(`data ${Buffer.from(bytes)}`);
    if (this.takes) this.channel.taken(bytes.length);
  }

  onWritten(bytes: Uint8Array): void {
    this.heard.push(`written ${bytes.length}`);
  }

  onEnd(): void {
    this.heard.push('end');
  }

  onRefuse(why: Uint8Array): void {
    this.heard.push(`refuse ${Buffer.from(why)}`);
  }

  onClose(): void {
    this.heard.push('close');
  }
}

let a: Recorder;
let b: Recorder;
let queue: (() => void)[];
let link: MemoryLink;
let ofA: Channels;
let ofB: Channels;
let opened: User[];
let takesOpen: boolean;

beforeEach(() => {
  a = new Recorder('a', []);
  b = new Recorder('b', []);
  queue = [];
  opened = [];
  takesOpen = true;
  const defer = (callback: () => void) => void queue.push(callback);
  const onOpen = (channel: Channel, facts: Uint8Array) => {
    const user = new User(channel);
    user.heard.push(`open ${Buffer.from(facts)}`);
    opened.push(user);
    return takesOpen ? user : null;
  };
  ofA = new Channels(a.links, { node: 'a', defer, onOpen });
  ofB = new Channels(b.links, { node: 'b', defer, onOpen });
  link = new MemoryLink(a, b, { later: defer, busyBytes: 400_000 });
});

function run(): void {
  while (queue.length > 0) queue.shift()?.();
}

function open(from: 'a' | 'b' = 'a', facts = 'facts'): User {
  let user: User | null = null;
  const [channels, on] = from === 'a' ? [ofA, a.link('b')] : [ofB, b.link('a')];
  channels.open(on, Buffer.from(facts), (channel) => {
    user = new User(channel);
    return user;
  });
  return user as unknown as User;
}

const last = () => opened.at(-1) as User;

describe('channels over a link', () => {
  test('bring bytes both ways, and say when they have left', () => {
    const user = open();
    user.channel.write(Buffer.from('to b'));
    expect(user.heard).toEqual([]);
    run();
    expect(user.heard).toEqual(['written 4']);
    expect(last().heard).toEqual(['open facts', 'data to b']);
    last().channel.write(Buffer.from('to a'));
    run();
    expect(user.heard).toEqual(['written 4', 'data to a']);
  });

  test('both sides may open some, with numbers of their own', () => {
    const users = [open('a', 'one'), open('b', 'two'), open('a', 'three'), open('b', 'four')];
    run();
    expect(opened.map(({ heard }) => heard[0]).sort()).toEqual([
      'open four',
      'open one',
      'open three',
      'open two',
    ]);
    for (const [index, user] of users.entries()) user.channel.write(Buffer.from(`${index}`));
    run();
    const got = new Map(opened.map(({ heard }) => [heard[0], heard[1]]));
    expect(got.get('open one')).toBe('data 0');
    expect(got.get('open two')).toBe('data 1');
    expect(got.get('open three')).toBe('data 2');
    expect(got.get('open four')).toBe('data 3');
    expect([ofA.count, ofB.count]).toEqual([4, 4]);
  });

  test('no more than the window is under way, and the rest follows what is taken, in order', () => {
    const user = open();
    run();
    last().takes = false;
    const bytes = Buffer.alloc(CHANNEL_WINDOW + 1000);
    user.channel.write(bytes);
    user.channel.write(Buffer.from('the last'));
    expect(user.channel.isFull).toBe(true);
    run();
    expect([last().bytes, user.heard]).toEqual([CHANNEL_WINDOW, []]);
    last().channel.taken(CHANNEL_WINDOW / 2 - 1);
    run();
    expect(last().bytes).toBe(CHANNEL_WINDOW);
    last().channel.taken(1);
    run();
    expect(user.heard).toEqual([`written ${bytes.length}`, 'written 8']);
    expect(last().heard).toEqual(['open facts', 'data the last']);
    expect(user.channel.isFull).toBe(false);
  });

  test('a slow one does not hold up another', () => {
    const slow = open();
    const fast = open();
    run();
    (opened[0] as User).takes = false;
    for (let count = 0; count < 10; count++) slow.channel.write(Buffer.alloc(100_000));
    for (let count = 0; count < 10; count++) fast.channel.write(Buffer.alloc(100_000));
    run();
    expect(opened.map(({ bytes }) => bytes)).toEqual([CHANNEL_WINDOW, 1_000_000]);
    expect(fast.channel.isFull).toBe(false);
  });

  test('on a busy link they wait until it is not any more', () => {
    const users = [open(), open(), open(), open()];
    run();
    for (const user of users) user.channel.write(Buffer.alloc(200_000));
    expect(a.link('b').isBusy(1)).toBe(true);
    expect(users.map(({ channel }) => channel.isFull)).toEqual([false, false, true, true]);
    run();
    expect(opened.map(({ bytes }) => bytes)).toEqual([200_000, 200_000, 200_000, 200_000]);
  });

  test('an end comes after all that was written before, and the other direction stays', () => {
    const user = open();
    run();
    last().takes = false;
    user.channel.write(Buffer.alloc(CHANNEL_WINDOW));
    user.channel.write(Buffer.from('x'));
    user.channel.end();
    user.channel.write(Buffer.from('after the end'));
    run();
    expect(last().heard).toEqual(['open facts']);
    last().channel.taken(CHANNEL_WINDOW / 2);
    run();
    last().channel.taken(CHANNEL_WINDOW / 2);
    run();
    expect(last().heard).toEqual(['open facts', 'data x', 'end']);
    last().channel.write(Buffer.from('answer'));
    run();
    expect(user.heard.at(-1)).toBe('data answer');
    expect(last().heard.filter((line) => line === 'end')).toHaveLength(1);
  });

  test('closed by one side, it is over for the other, and what was under way to the first is dropped', () => {
    const user = open();
    run();
    last().channel.write(Buffer.from('is under way'));
    user.channel.close();
    expect(user.channel.isOpen).toBe(false);
    run();
    expect(user.heard).toEqual([]);
    expect(last().heard).toEqual(['open facts', 'written 12', 'close']);
    expect([ofA.count, ofB.count]).toEqual([0, 0]);
  });

  test('finished, it is closed when all that was written has left', () => {
    const user = open();
    run();
    last().takes = false;
    user.channel.write(Buffer.alloc(CHANNEL_WINDOW));
    user.channel.write(Buffer.from('the last'));
    user.channel.finish();
    last().channel.write(Buffer.from('is not heard any more'));
    run();
    expect(user.channel.isOpen).toBe(true);
    last().channel.taken(CHANNEL_WINDOW);
    run();
    expect(last().heard.filter((line) => !line.startsWith('written'))).toEqual([
      'open facts',
      'data the last',
      'close',
    ]);
    expect([user.channel.isOpen, user.heard, ofA.count, ofB.count]).toEqual([false, [], 0, 0]);
  });

  test('one that nobody takes is closed', () => {
    takesOpen = false;
    const user = open();
    run();
    expect(user.heard).toEqual(['close']);
  });

  test('a refusal is passed on in the words of the user', () => {
    const user = open();
    run();
    user.channel.refuse(Buffer.from('malformed'));
    run();
    expect(last().heard).toEqual(['open facts', 'refuse malformed']);
  });

  test('all are over with their link, on both sides', () => {
    const users = [open('a'), open('b')];
    run();
    link.cut();
    run();
    for (const user of [...users, ...opened]) expect(user.heard.at(-1)).toBe('close');
    expect([ofA.count, ofB.count]).toEqual([0, 0]);
    users[0]?.channel.write(Buffer.from('x'));
    expect(queue).toEqual([]);
  });

  test.each([
    ['more than the window', FrameType.data, Buffer.alloc(4 + CHANNEL_WINDOW + 1)],
    ['a credit for what was not sent', FrameType.window, Buffer.from([0, 0, 0, 0, 1, 0, 0, 0])],
    ['a window without a size', FrameType.window, Buffer.alloc(4)],
    ['no number', FrameType.data, Buffer.alloc(3)],
    ['one that is open', FrameType.open, Buffer.alloc(4)],
  ])('%s ends the link', (_, type, body) => {
    open();
    run();
    expect(ofB.count).toBe(1);
    a.link('b').send(type, body);
    run();
    expect(b.links.of('a')).toBeNull();
    expect(b.errors).toHaveLength(1);
  });
});
