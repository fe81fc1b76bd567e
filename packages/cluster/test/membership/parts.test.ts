import { describe, expect, test } from '@jest/globals';
import { linkPlace } from '../../src/map/directory.ts';
import { MapView } from '../../src/map/map-view.ts';
import {
  type CellRecord,
  cellOfKey,
  decodeCell,
  decodeDrain,
  decodeLog,
  decodeMeta,
  decodeNode,
  encodeRecord,
  FREE_CELL,
  isNodeId,
  type NodeRecord,
  RecordError,
} from '../../src/map/records.ts';
import { Lateness } from '../../src/membership/lateness.ts';
import { MEMBER_TIMES } from '../../src/membership/member-options.ts';
import { balancingMove, bestTarget, claimOrders } from '../../src/membership/placement.ts';
import { reachingSet } from '../../src/membership/reach.ts';
import { Standing } from '../../src/membership/standing.ts';

const CELL: CellRecord = {
  epoch: 7,
  node: 'one',
  incarnation: 'a',
  state: 'moving',
  target: 'other',
  isPrepared: true,
  isForgotten: false,
};

const NODE: NodeRecord = {
  address: '10.0.0.1:7000',
  clients: ['mqtt://10.0.0.1:1883'],
  version: '1.2.3',
  level: 1,
  fingerprint: null,
  incarnation: 'a',
  beat: 9,
  timeMs: 1_700_000_000_000,
  state: 'active',
  isApart: false,
  reaches: ['other'],
  refused: [],
};

function json(fields: object): Uint8Array {
  return Buffer.from(JSON.stringify({ format: 1, ...fields }));
}

describe('records', () => {
  test('are read as they were written', () => {
    expect(decodeCell('cell.3', encodeRecord(CELL))).toEqual(CELL);
    expect(decodeNode('node.one', encodeRecord(NODE))).toEqual(NODE);
    expect(decodeDrain('drain.one', encodeRecord({ incarnation: 'a' }))).toEqual({
      incarnation: 'a',
    });
    const meta = { cells: 2, level: 1, createdMs: 5 };
    const shared = { ...meta, durability: 'replicated', homes: null } as const;
    expect(decodeMeta(encodeRecord(shared))).toEqual(shared);
    // As the first version wrote it.
    expect(decodeMeta(json(meta))).toEqual(shared);
    const bound = { ...meta, durability: 'node', homes: ['a', 'b'] } as const;
    expect(decodeMeta(encodeRecord(bound))).toEqual(bound);
    const log = { identity: '0123456789abcdef'.repeat(2), node: 'one', state: 'kept' } as const;
    expect(decodeLog('log.3', encodeRecord(log))).toEqual(log);
  });

  test.each([
    ['an identity that is none', { identity: 'abc' }],
    ['no node', { node: null }],
    ['a state that there is not', { state: 'gone' }],
  ])('of a log with %s are refused', (_, change) => {
    const log = { identity: '0123456789abcdef'.repeat(2), node: 'one', state: 'kept' };
    expect(() => decodeLog('log.3', json({ ...log, ...change }))).toThrow(RecordError);
  });

  test('may have fields that this version does not know', () => {
    expect(decodeCell('cell.3', json({ ...CELL, later: true }))).toEqual(CELL);
  });

  test.each([
    ['another epoch', { epoch: -1 }],
    ['a node that is none', { node: 'two words' }],
    ['an owner of a free cell', { state: 'free' }],
    ['a cell without an owner that is served', { node: null, incarnation: null }],
    ['an owner without an incarnation', { incarnation: null }],
    ['a state that there is not', { state: 'lost' }],
    ['a target that is none', { target: 5 }],
    ['no word on whether it is prepared', { isPrepared: undefined }],
    ['another format', { format: 2 }],
  ])('of a cell with %s are refused', (_, change) => {
    expect(() => decodeCell('cell.3', json({ ...CELL, ...change }))).toThrow(RecordError);
  });

  test.each([
    ['no address', { address: '' }],
    ['clients that are none', { clients: [5] }],
    ['no incarnation', { incarnation: undefined }],
    ['a state that there is not', { state: 'tired' }],
    ['what it reaches that is none', { reaches: ['a b'] }],
    ['a beat below 0', { beat: -1 }],
    ['more than a list may have', { refused: Array.from({ length: 257 }, () => 'one') }],
  ])('of a node with %s are refused', (_, change) => {
    expect(() => decodeNode('node.one', json({ ...NODE, ...change }))).toThrow(RecordError);
  });

  test.each([
    ['0 cells', { cells: 0 }],
    ['65 cells', { cells: 65 }],
    ['no level', { level: null }],
    ['cells without a home', { durability: 'node' }],
    ['too few homes', { durability: 'node', homes: ['a'] }],
    ['homes where any node may serve', { homes: ['a', 'b', 'a', 'b', 'a', 'b'] }],
    ['a durability that there is not', { durability: 'none' }],
  ])('of a cluster with %s are refused', (_, change) => {
    const meta = { cells: 6, level: 1, createdMs: 5 };
    expect(() => decodeMeta(json({ ...meta, ...change }))).toThrow(RecordError);
  });

  test('that are not JSON are refused', () => {
    expect(() => decodeMeta(Buffer.from('{'))).toThrow(RecordError);
    expect(() => decodeMeta(Buffer.from('null'))).toThrow(RecordError);
  });

  test('have keys that say what they are of', () => {
    expect(['cell.0', 'cell.63', 'cell.64', 'cell.01', 'cells.1'].map(cellOfKey)).toEqual([
      ...[0, 63],
      ...[null, null, null],
    ]);
    expect(['a', 'a.b-c_D9', '', '.a', 'a.', 'a b', 'a/b', 'x'.repeat(129)].map(isNodeId)).toEqual([
      ...[true, true],
      ...[false, false, false, false, false, false],
    ]);
  });
});

describe('what a node knows of the map', () => {
  test('is the newest of each key, in whatever order it comes', () => {
    const view = new MapView();
    expect(view.take('cell.1', encodeRecord(CELL), 5)).toBe(true);
    expect(view.take('cell.1', encodeRecord(FREE_CELL), 4)).toBe(false);
    expect(view.cell(1)).toEqual({ record: CELL, revision: 5 });
    expect(view.cell(2)).toEqual({ record: FREE_CELL, revision: 0 });
  });

  test('has a key again that was removed, also where its revision is that of the removal', () => {
    const view = new MapView();
    view.take('node.one', encodeRecord(NODE), 5);
    view.take('node.one', null, 6);
    expect(view.nodes.size).toBe(0);
    expect(view.take('node.one', encodeRecord(NODE), 6)).toBe(true);
    expect(view.nodes.get('one')?.revision).toBe(6);
  });

  test('is what it was when a record can not be read', () => {
    const view = new MapView();
    view.take('cell.1', encodeRecord(CELL), 5);
    expect(() => view.take('cell.1', Buffer.from('?'), 6)).toThrow(RecordError);
    expect(view.cell(1).record).toEqual(CELL);
  });

  test('says that a node is drained as long as it has not started again', () => {
    const view = new MapView();
    view.take('drain.one', encodeRecord({ incarnation: 'a' }), 1);
    expect(view.isDrained('one')).toBe(false);
    view.take('node.one', encodeRecord(NODE), 2);
    expect(view.isDrained('one')).toBe(true);
    view.take('node.one', encodeRecord({ ...NODE, incarnation: 'b' }), 3);
    expect(view.isDrained('one')).toBe(false);
  });
});

test('addresses of links are ports from one on', () => {
  expect(linkPlace('10.0.0.1:7000', 6)).toEqual({ host: '10.0.0.1', port: 7006 });
  expect(linkPlace('[::1]:7000', 0)).toEqual({ host: '::1', port: 7000 });
  expect(linkPlace('node.example:65535', 1)).toBeNull();
  expect(linkPlace('node.example', 1)).toBeNull();
  expect(linkPlace('::1:7000', 1)).toBeNull();
});

describe('lateness', () => {
  test('is the time in which own heartbeats came back, and none of the other', () => {
    const lateness = new Lateness(1_000);
    lateness.onOwnBeat(0);
    lateness.onBeat('other', 'a', 1, 500);
    for (const sentAt of [1_000, 2_000, 3_000]) lateness.onOwnBeat(sentAt);
    expect(lateness.silentMs('other')).toBe(2_500);
    lateness.onBeat('other', 'a', 2, 3_000);
    expect(lateness.silentMs('other')).toBe(0);
  });

  test('does not pass while own heartbeats do not come back', () => {
    const lateness = new Lateness(1_000);
    lateness.onOwnBeat(0);
    lateness.onBeat('other', 'a', 1, 0);
    lateness.onOwnBeat(60_000);
    expect(lateness.silentMs('other')).toBe(1_500);
  });

  test('is not that of a record that comes again', () => {
    const lateness = new Lateness(1_000);
    lateness.onOwnBeat(0);
    lateness.onBeat('other', 'a', 1, 0);
    lateness.onOwnBeat(1_000);
    lateness.onBeat('other', 'a', 1, 1_000);
    expect(lateness.silentMs('other')).toBe(1_000);
    lateness.onBeat('other', 'b', 1, 1_000);
    expect(lateness.silentMs('other')).toBe(0);
  });

  test('is 0 for who is not known', () => {
    const lateness = new Lateness(1_000);
    lateness.onBeat('other', 'a', 1, 0);
    lateness.forget('other');
    lateness.onOwnBeat(0);
    lateness.onOwnBeat(1_000);
    expect(lateness.silentMs('other')).toBe(0);
  });
});

describe('a stand', () => {
  function passed(standing: Standing, fromMs: number, forMs: number, isDownForAll = false) {
    let stand = standing.pass(fromMs, isDownForAll);
    for (let now = fromMs; now <= fromMs + forMs; now += 250)
      stand = standing.pass(now, isDownForAll);
    return stand;
  }

  test('is a minority when the engine is silent for long, and others may have it', () => {
    const standing = new Standing(MEMBER_TIMES, 0);
    expect(passed(standing, 0, 3_750)).toEqual({ state: 'active', why: null });
    expect(passed(standing, 4_000, 0)).toEqual({ state: 'hold', why: 'engine' });
    expect(passed(standing, 4_000, 11_000)).toEqual({ state: 'hold', why: 'minority' });
    expect(passed(standing, 15_000, 15_000)).toEqual({ state: 'fenced', why: 'minority' });
    standing.onAnswer(30_000);
    expect(standing.pass(30_000, false)).toEqual({ state: 'active', why: null });
  });

  test('is held for as long as no node has the engine, and begins to count when one has', () => {
    const standing = new Standing(MEMBER_TIMES, 0);
    expect(passed(standing, 0, 60_000, true)).toEqual({ state: 'hold', why: 'engine' });
    expect(passed(standing, 60_250, 14_000)).toEqual({ state: 'hold', why: 'engine' });
    expect(passed(standing, 74_500, 1_000)).toEqual({ state: 'hold', why: 'minority' });
  });

  test('is not lost by a pause of the process', () => {
    const standing = new Standing(MEMBER_TIMES, 0);
    expect(standing.pass(3_600_000, false)).toEqual({ state: 'active', why: null });
  });

  test('is lost for good to who has its name', () => {
    const standing = new Standing(MEMBER_TIMES, 0);
    standing.onSuperseded();
    standing.onAnswer(0);
    expect(standing.pass(0, false)).toEqual({ state: 'fenced', why: 'superseded' });
  });
});

describe('who reaches whom', () => {
  const set = (reaches: Record<string, readonly string[] | null>) => [
    ...reachingSet(new Map(Object.entries(reaches))),
  ];

  test('all stay that reach each other, or do not know', () => {
    expect(set({ a: ['b', 'c'], b: ['a', 'c'], c: null })).toEqual(['a', 'b', 'c']);
  });

  test('whoever lacks most goes, and of two the last', () => {
    expect(set({ a: ['b'], b: ['a', 'c'], c: ['b'], d: ['a', 'b', 'c'] })).toEqual(['a', 'b']);
    expect(set({ a: [], b: ['c'], c: ['b'] })).toEqual(['b', 'c']);
    expect(set({ a: [], b: [] })).toEqual(['a']);
  });

  test('one direction is none', () => {
    expect(set({ a: ['b', 'c'], b: ['a', 'c'], c: ['b'] })).toEqual(['a', 'b']);
  });
});

describe('where cells go', () => {
  const counts = (load: Record<string, number>) => new Map(Object.entries(load));

  test('to nodes that have least, each orphan counted', () => {
    const orders = claimOrders([0, 1, 2, 3], counts({ a: 2, b: 2, c: 4 }));
    const first = [...orders.values()].map(([node]) => node);
    expect([...first].sort()).toEqual(['a', 'a', 'b', 'b']);
    for (const order of orders.values()) expect([...order].sort()).toEqual(['a', 'b', 'c']);
    expect(bestTarget(3, counts({ a: 2, b: 1 }))).toBe('b');
    expect(bestTarget(3, counts({}))).toBeNull();
  });

  test('from the node with most to the one with least, while that makes a difference', () => {
    const placed = (nodes: string) => [...nodes].map((node, cell) => ({ cell, node }));
    expect(balancingMove(placed('aaabbc'), ['a', 'b', 'c'])).toMatchObject({ from: 'a', to: 'c' });
    expect(balancingMove(placed('aabbcc'), ['a', 'b', 'c'])).toBeNull();
    expect(balancingMove(placed('aab'), ['a', 'b'])).toBeNull();
    expect(balancingMove(placed('aa'), ['a', 'b'])).toMatchObject({ from: 'a', to: 'b' });
    expect(balancingMove([], [])).toBeNull();
  });
});
