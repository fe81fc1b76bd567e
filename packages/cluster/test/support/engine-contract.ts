import { describe, expect, test } from '@jest/globals';
import type { ClusterEngine, EngineLog } from '../../src/engine/engine.ts';

/** Two clients of the same servers, with nothing in the map and in the logs of cells 0 to 9. */
export interface ContractEngines {
  readonly one: ClusterEngine;
  readonly other: ClusterEngine;
  close(): Promise<void>;
}

const BYTES_MAX = 1 << 20;

const bytes = (text: string) => new TextEncoder().encode(text);

async function readAll(log: EngineLog, from = 1): Promise<string[]> {
  const found: string[] = [];
  for await (const { sequence, data } of log.read(from, BYTES_MAX)) {
    found.push(`${sequence} ${Buffer.from(data)}`);
  }
  return found;
}

/** What holds for every engine. */
export function describeEngine(name: string, start: () => Promise<ContractEngines>): void {
  describe(name, () => {
    const withLogs = async (body: (one: EngineLog, other: EngineLog) => Promise<void>) => {
      const engines = await start();
      try {
        await engines.one.connect();
        await engines.other.connect();
        await body(await engines.one.openLog(1), await engines.other.openLog(1));
      } finally {
        await engines.close();
      }
    };
    const withEngines = async (body: (engines: ContractEngines) => Promise<void>) => {
      const engines = await start();
      try {
        await engines.one.connect();
        await engines.other.connect();
        await body(engines);
      } finally {
        await engines.close();
      }
    };

    test('what one client appends, in parts, the other reads as one entry', () =>
      withLogs(async (one, other) => {
        expect(await one.bounds()).toEqual({ first: 1, last: 0 });
        expect(await one.append(0, [bytes('a'), bytes('bc')])).toEqual({
          kind: 'appended',
          sequence: 1,
        });
        expect(await one.append(1, [bytes('d')])).toEqual({ kind: 'appended', sequence: 2 });
        expect(await readAll(other)).toEqual(['1 abc', '2 d']);
        expect(await readAll(other, 2)).toEqual(['2 d']);
        expect(await readAll(other, 3)).toEqual([]);
        expect(await other.bounds()).toEqual({ first: 1, last: 2 });
      }));

    test('an append behind another entry than the last one is refused and leaves nothing', () =>
      withLogs(async (one, other) => {
        await one.append(0, [bytes('a')]);
        expect((await other.append(0, [bytes('b')])).kind).toBe('conflict');
        expect((await other.append(2, [bytes('b')])).kind).toBe('conflict');
        expect(await readAll(other)).toEqual(['1 a']);
        expect(await other.append(1, [bytes('b')])).toEqual({ kind: 'appended', sequence: 2 });
      }));

    test('of appends that race for a place, one is appended', () =>
      withLogs(async (one, other) => {
        const outcomes = await Promise.all(
          [one, other, one, other].map((log, index) => log.append(0, [bytes(`${index}`)])),
        );
        const kinds = outcomes.map(({ kind }) => kind);
        expect(kinds.filter((kind) => kind === 'appended')).toHaveLength(1);
        expect(await readAll(one)).toEqual([`1 ${kinds.indexOf('appended')}`]);
      }));

    test('appends under way at once go in by their order', () =>
      withLogs(async (one) => {
        const sequences = Array.from({ length: 20 }, (_, after) =>
          one.append(after, [bytes(`${after + 1}`)]),
        );
        expect(await Promise.all(sequences)).toEqual(
          sequences.map((_, index) => ({ kind: 'appended', sequence: index + 1 })),
        );
      }));

    test('entries are trimmed from the beginning, and sequences continue', () =>
      withLogs(async (one, other) => {
        for (let after = 0; after < 5; after++) await one.append(after, [bytes(`${after + 1}`)]);
        await one.trim(4);
        await other.trim(2);
        expect(await readAll(other)).toEqual(['4 4', '5 5']);
        expect(await other.bounds()).toEqual({ first: 4, last: 5 });
        await one.trim(6);
        expect(await readAll(other)).toEqual([]);
        expect(await other.bounds()).toEqual({ first: 6, last: 5 });
        expect((await one.append(4, [bytes('x')])).kind).toBe('conflict');
        expect(await one.append(5, [bytes('6')])).toEqual({ kind: 'appended', sequence: 6 });
        expect(await readAll(other)).toEqual(['6 6']);
      }));

    test('logs of cells have nothing to do with each other', () =>
      withEngines(async ({ one, other }) => {
        await (await one.openLog(2)).append(0, [bytes('two')]);
        await (await other.openLog(3)).append(0, [bytes('three')]);
        expect(await readAll(await other.openLog(2))).toEqual(['1 two']);
        expect(await readAll(await one.openLog(3))).toEqual(['1 three']);
      }));

    test('more than may wait in memory is read, in order', () =>
      withLogs(async (one, other) => {
        const big = Buffer.alloc(200_000, 'x');
        for (let after = 0; after < 10; after++) await one.append(after, [big, bytes(`${after}`)]);
        const found: string[] = [];
        for await (const { sequence, data } of other.read(1, 300_000)) {
          found.push(`${sequence} ${data.length} ${Buffer.from(data.subarray(200_000))}`);
        }
        expect(found).toEqual(Array.from({ length: 10 }, (_, i) => `${i + 1} 200001 ${i}`));
      }));

    test('a reader that stops in the middle hinders nobody', () =>
      withLogs(async (one, other) => {
        for (let after = 0; after < 5; after++) await one.append(after, [bytes(`${after + 1}`)]);
        for await (const { sequence } of other.read(1, 1)) if (sequence === 2) break;
        expect(await readAll(other, 4)).toEqual(['4 4', '5 5']);
      }));

    test('a key of the map is set by who knows its revision', () =>
      withEngines(async ({ one, other }) => {
        expect(await one.map.get('cell.1')).toBeNull();
        const first = await one.map.put('cell.1', bytes('a'), 0);
        expect(first).toEqual(expect.any(Number));
        expect(await other.map.put('cell.1', bytes('b'), 0)).toBe('conflict');
        const second = await other.map.put('cell.1', bytes('b'), first as number);
        expect(second).toBeGreaterThan(first as number);
        expect(await one.map.put('cell.1', bytes('c'), first as number)).toBe('conflict');
        const found = await one.map.get('cell.1');
        expect(found).toEqual({ value: expect.anything(), revision: second });
        expect(`${Buffer.from(found?.value ?? [])}`).toBe('b');
      }));

    test('a key that was removed may be set again as a new one', () =>
      withEngines(async ({ one, other }) => {
        const first = (await one.map.put('node.a', bytes('a'), 0)) as number;
        expect(await other.map.remove('node.a', first + 1)).toBe('conflict');
        expect(await other.map.remove('node.a', first)).toBe('removed');
        expect(await one.map.get('node.a')).toBeNull();
        expect(await one.map.put('node.a', bytes('b'), first)).toBe('conflict');
        expect(await one.map.put('node.a', bytes('b'), 0)).toBeGreaterThan(first);
      }));

    test('who watches a prefix gets what is there and what changes', () =>
      withEngines(async ({ one, other }) => {
        const first = (await one.map.put('cell.1', bytes('a'), 0)) as number;
        await one.map.put('node.a', bytes('n'), 0);
        const seen: string[] = [];
        let notify = () => {};
        const end = other.map.watch('cell.', (key, value) => {
          seen.push(`${key} ${value === null ? 'removed' : Buffer.from(value)}`);
          notify();
        });
        const until = async (text: string) => {
          while (!seen.includes(text)) {
            await new Promise<void>((resolve) => {
              notify = resolve;
            });
          }
        };
        await until('cell.1 a');
        const second = (await one.map.put('cell.1', bytes('b'), first)) as number;
        await until('cell.1 b');
        await one.map.put('cell.2', bytes('c'), 0);
        await until('cell.2 c');
        await one.map.remove('cell.1', second);
        await until('cell.1 removed');
        end();
        expect(seen).toEqual(['cell.1 a', 'cell.1 b', 'cell.2 c', 'cell.1 removed']);
      }));
  });
}
