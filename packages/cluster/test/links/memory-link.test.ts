import { beforeEach, describe, expect, test } from '@jest/globals';
import { Random } from '@promptmq/wal/testing';
import { MemoryLink } from '../../src/links/memory-link.ts';
import { Recorder } from './recorder.ts';

let a: Recorder;
let b: Recorder;
let queue: (() => void)[];

beforeEach(() => {
  a = new Recorder('a');
  b = new Recorder('b');
  queue = [];
});

const connect = (busyBytes?: number) =>
  new MemoryLink(a, b, {
    later: (callback) => queue.push(callback),
    ...(busyBytes === undefined ? {} : { busyBytes }),
  });

function runAll(random: Random | null = null): void {
  while (queue.length > 0) {
    const index = random === null ? 0 : random.below(queue.length);
    const [callback] = queue.splice(index, 1);
    callback?.();
  }
}

describe('a link in memory', () => {
  test('is up on both sides at once, and brings frames later', () => {
    connect();
    expect([a.heard, b.heard]).toEqual([['up b'], ['up a']]);
    a.link('b').send(49, Buffer.from('one '), Buffer.from('two'));
    b.link('a').send(17, Buffer.from('three'));
    expect(b.heard).toHaveLength(1);
    runAll();
    expect([a.heard[1], b.heard[1]]).toEqual(['b 17 three', 'a 49 one two']);
  });

  test('frames of a lane keep their order, in whatever order time passes; those of two lanes need not', () => {
    let swapped = 0;
    for (let seed = 1; seed <= 50; seed++) {
      a = new Recorder('a');
      b = new Recorder('b');
      connect();
      for (let number = 0; number < 10; number++) {
        for (const type of [17, 49]) a.link('b').send(type, Buffer.from(`${number}`));
      }
      runAll(new Random(seed));
      const of = (type: number) => b.heard.filter((line) => line.startsWith(`a ${type}`));
      for (const type of [17, 49]) {
        expect(of(type)).toEqual(Array.from({ length: 10 }, (_, n) => `a ${type} ${n}`));
      }
      if (b.heard[1] !== 'a 17 0') swapped++;
    }
    expect(swapped).toBeGreaterThan(0);
  });

  test('when it is cut, what is under way is lost, and each side notices by itself', () => {
    const link = connect();
    a.link('b').send(49, Buffer.from('arrives'));
    queue.shift()?.();
    a.link('b').send(49, Buffer.from('is lost'));
    link.cut('the cable');
    expect(link.isUp).toBe(true);
    a.link('b').send(49, Buffer.from('is lost, too'));
    runAll();
    expect(b.heard).toEqual(['up a', 'a 49 arrives', 'down a: the cable']);
    expect(a.heard).toEqual(['up b', 'down b: the cable']);
    expect([a.links.of('b'), b.links.of('a'), link.isUp]).toEqual([null, null, false]);
    link.cut();
    expect(queue).toEqual([]);
  });

  test('who closes it hears of that at once, the other side later', () => {
    connect();
    a.link('b').close('enough');
    expect([a.heard[1], b.heard[1]]).toEqual(['down b: enough', undefined]);
    runAll();
    expect(b.heard[1]).toBe('down a: closed');
  });

  test('another link to the same node takes the place of the first, whose end is heard of before', () => {
    connect();
    connect();
    expect(a.heard).toEqual(['up b', 'down b: there is a newer link', 'up b']);
    runAll();
    expect(a.link('b').isUp && b.link('a').isUp).toBe(true);
  });

  test('is busy when much is under way, and says when it is not any more', () => {
    connect(10);
    const link = a.link('b');
    link.send(49, Buffer.alloc(8, 'x'));
    expect(link.isBusy(2)).toBe(false);
    link.send(49, Buffer.alloc(8, 'y'));
    expect([link.isBusy(1), link.isBusy(2)]).toEqual([false, true]);
    queue.shift()?.();
    expect([link.isBusy(2), a.drained]).toEqual([true, []]);
    queue.shift()?.();
    expect([link.isBusy(2), a.drained]).toEqual([false, [2]]);
  });

  test('a frame that its user can not handle ends the link, and nothing else', () => {
    connect();
    a.link('b').send(50, Buffer.from('nobody handles these'));
    a.link('b').send(49, Buffer.from('after it'));
    runAll();
    expect(b.errors).toEqual([new Error('nobody handles frames of type 50')]);
    expect(b.heard.slice(1)).toEqual([
      'down a: a frame could not be handled: nobody handles frames of type 50',
    ]);
    expect(a.heard.slice(1)).toEqual(['down b: closed']);
  });

  test('a type of frames has one handler', () => {
    expect(() => a.links.handle([49], () => {})).toThrow('type 49 have a handler already');
  });
});
