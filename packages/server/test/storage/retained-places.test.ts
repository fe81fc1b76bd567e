import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteReader } from '../../src/storage/records/byte-reader.ts';
import { ByteWriter } from '../../src/storage/records/byte-writer.ts';
import { keyNumbers } from '../../src/storage/records/checkpoint/keys.ts';
import { RetainedPlaces } from '../../src/storage/retained/retained-places.ts';

const writer = new ByteWriter();

/** What is on disk: a checkpoint is applied to it, and it is what the next process begins with. */
class Disk {
  readonly entries = new Map<string, Uint8Array>();

  apply(changes: Iterable<readonly [string, Uint8Array | null]>): void {
    for (const [key, value] of changes) {
      if (value === null) this.entries.delete(key);
      else this.entries.set(key, value);
    }
  }

  restore(): RetainedPlaces {
    const places = new RetainedPlaces();
    for (const [key, value] of [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
      places.restore(keyNumbers(key)[0] as number, new ByteReader(value), value);
    }
    return places;
  }
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('set' as const), topic: fc.nat(300) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), topic: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('whole' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

test('what checkpoints hold is what there is, over any changes and restarts', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const disk = new Disk();
      let places = new RetainedPlaces();
      let position = 0;
      for (const one of [...steps, { kind: 'restart' as const }]) {
        if (one.kind === 'set') {
          position += 100;
          places.set(`topic/${one.topic}`, position, one.topic);
        } else if (one.kind === 'remove') {
          places.remove(`topic/${one.topic}`);
        } else if (one.kind === 'whole') {
          const whole = [...places.snapshot(writer)];
          places.forgetChanges();
          disk.entries.clear();
          disk.apply(whole);
        } else {
          disk.apply(places.changes(writer));
          const restored = disk.restore();
          expect(new Map([...restored.places].sort())).toEqual(new Map([...places.places].sort()));
          if (one.kind === 'restart') places = restored;
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('a snapshot changes nothing of what the next checkpoint holds', () => {
  const places = new RetainedPlaces();
  places.set('a', 64, 10);
  const before = [...places.snapshot(writer)];
  expect([...places.changes(writer)]).toEqual(before);
  expect([...places.changes(writer)]).toEqual([]);
  places.set('a', 128, 10);
  expect([...places.snapshot(writer)]).not.toEqual(before);
  expect([...places.changes(writer)]).toHaveLength(1);
});

test('topics of a former version are taken over, and go into the next checkpoint', () => {
  const places = new RetainedPlaces();
  places.restoreFormer('a', { number: 300, position: 64, share: 7 });
  places.set('b', 128, 8);
  const disk = new Disk();
  disk.apply(places.changes(writer));
  expect(Object.fromEntries(disk.restore().places)).toEqual({
    a: { number: 300, position: 64, share: 7 },
    b: { number: 301, position: 128, share: 8 },
  });
});
