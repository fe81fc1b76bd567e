import { randomBytes } from 'node:crypto';
import type { Clock } from '@promptmq/wal';
import { EngineError, type EngineMap } from '../engine/engine.ts';
import { cellsAtHome } from './homes.ts';
import { MapView } from './map-view.ts';
import {
  type CellRecord,
  cellKey,
  drainKey,
  encodeRecord,
  type LogRecord,
  type MetaRecord,
  type NodeRecord,
  nodeKey,
  PROBE_KEY,
} from './records.ts';

/** How long to wait for the engine, in milliseconds. */
const READ_MS_MAX = 10_000;

/** What is asked for may be changed at the same time by nodes: it is looked at again so often. */
const ATTEMPTS = 5;

/** Others that read the map may put theirs at the same time. */
const PROBE_ATTEMPTS = 10;

/** A node whose record doesn't change for so long can be forgotten, in milliseconds. */
const SILENT_MS = 5_000;

/** What becomes of a request: the nodes of the cluster follow it, later. */
export type RequestOutcome =
  | { readonly kind: 'done' }
  /** It makes no sense as things are. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Others have changed the same meanwhile, or the engine didn't say what became of it: it can be made again. */
  | { readonly kind: 'retry'; readonly why: string };

/** What the map has of a cluster at one moment, for people. */
export interface ClusterSnapshot {
  readonly meta: MetaRecord;
  /** By number. */
  readonly cells: readonly CellRecord[];
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  /** Names of nodes that are drained. */
  readonly drained: ReadonlySet<string>;
  /** By cell: the log that its home has; only where no other has it. */
  readonly logs: ReadonlyMap<number, LogRecord>;
}

/**
 * Reads what the map has.
 *
 * @returns null when there is no cluster yet
 * @throws {EngineError} `unavailable`
 * @throws {RecordError} for a record that this version doesn't know
 */
export async function readCluster(map: EngineMap, clock: Clock): Promise<ClusterSnapshot | null> {
  const view = await readView(map, clock);
  const { meta } = view;
  if (meta === null) return null;
  const nodes = new Map([...view.nodes].map(([id, { record }]) => [id, record]));
  const logs = new Map<number, LogRecord>();
  for (let cell = 0; cell < meta.cells; cell++) {
    const found = view.log(cell);
    if (found !== undefined) logs.set(cell, found.record);
  }
  return {
    meta,
    logs,
    cells: Array.from({ length: meta.cells }, (_, cell) => view.cell(cell).record),
    nodes,
    drained: new Set([...nodes.keys()].filter((id) => view.isDrained(id))),
  };
}

/** Has a cell moved to a node: its owner does so when it is ready to. */
export function requestMove(
  map: EngineMap,
  clock: Clock,
  cell: number,
  node: string,
): Promise<RequestOutcome> {
  return untilDecided(async () => {
    const view = await readView(map, clock);
    if (view.meta === null) return refused('there is no cluster yet');
    if (cell >= view.meta.cells) return refused(`there are ${view.meta.cells} cells, from 0`);
    const home = view.meta.homes?.[cell];
    if (home !== undefined) {
      return refused(`cell ${cell} stays at node ${home}, whose disk alone has its log`);
    }
    const target = view.nodes.get(node)?.record;
    if (target === undefined) return refused(`there is no node ${node}`);
    if (target.state === 'leaving') return refused(`node ${node} is about to end`);
    if (target.isApart) return refused(`node ${node} does not reach the others`);
    if (view.isDrained(node)) return refused(`node ${node} is drained`);
    const { record, revision } = view.cell(cell);
    if (record.node === node) return refused(`node ${node} has cell ${cell}`);
    if (record.target === node) return { kind: 'done' };
    if (record.state === 'moving') {
      return refused(`cell ${cell} is being moved to node ${record.target}`);
    }
    const next: CellRecord = { ...record, target: node, isPrepared: false };
    return outcomeOf(await map.put(cellKey(cell), encodeRecord(next), revision));
  });
}

/** Has a node give all its cells away, and get none until it starts again. */
export function requestDrain(map: EngineMap, clock: Clock, node: string): Promise<RequestOutcome> {
  return untilDecided(async () => {
    const view = await readView(map, clock);
    const found = view.nodes.get(node)?.record;
    if (found === undefined) return refused(`there is no node ${node}`);
    if (view.meta !== null && view.meta.homes !== null) {
      return refused('no other node can have its cells, whose logs its disk alone has');
    }
    if (view.isDrained(node)) return { kind: 'done' };
    const others = [...view.nodes].filter(
      ([id, { record }]) => id !== node && record.state === 'active' && !view.isDrained(id),
    );
    if (others.length === 0) return refused('there is no other node that could have its cells');
    const revision = view.drains.get(node)?.revision ?? 0;
    const { incarnation } = found;
    return outcomeOf(await map.put(drainKey(node), encodeRecord({ incarnation }), revision));
  });
}

/** Lets a node have cells again that was drained. */
export function cancelDrain(map: EngineMap, clock: Clock, node: string): Promise<RequestOutcome> {
  return untilDecided(async () => {
    const view = await readView(map, clock);
    const revision = view.drains.get(node)?.revision;
    if (revision === undefined) return { kind: 'done' };
    return outcomeOf(await map.remove(drainKey(node), revision));
  });
}

/**
 * Removes what the map has of a node that doesn't run any more. Its cells are claimed with or without that; where it is the only one that may serve them,
 * it can't be forgotten.
 */
export async function forgetNode(
  map: EngineMap,
  clock: Clock,
  node: string,
): Promise<RequestOutcome> {
  const first = await readView(map, clock);
  const before = first.nodes.get(node);
  if (before === undefined) return refused(`there is no node ${node}`);
  const cells = first.meta === null ? [] : cellsAtHome(first.meta, node);
  if (cells.length > 0) return refused(homeText(node, cells));
  await new Promise<void>((resolve) => {
    clock.setTimer(SILENT_MS, resolve);
  });
  const view = await readView(map, clock);
  const found = view.nodes.get(node);
  if (found !== undefined && found.revision !== before.revision) {
    return refused(`node ${node} runs`);
  }
  const drain = view.drains.get(node)?.revision;
  if (drain !== undefined) await map.remove(drainKey(node), drain);
  return found === undefined
    ? { kind: 'done' }
    : outcomeOf(await map.remove(nodeKey(node), found.revision));
}

/** Has nobody wait for a cell that no node can open: until one serves it, the others do without what its clients have subscribed to. */
export function forgetCell(map: EngineMap, clock: Clock, cell: number): Promise<RequestOutcome> {
  return untilDecided(async () => {
    const view = await readView(map, clock);
    if (view.meta === null) return refused('there is no cluster yet');
    if (cell >= view.meta.cells) return refused(`there are ${view.meta.cells} cells, from 0`);
    const { record, revision } = view.cell(cell);
    if (record.state === 'serving' || record.state === 'moving') {
      return refused(`node ${record.node} serves cell ${cell}`);
    }
    const next: CellRecord = { ...record, isForgotten: true };
    return outcomeOf(await map.put(cellKey(cell), encodeRecord(next), revision));
  });
}

/** What is lost with a home, and how to go on. */
function homeText(node: string, cells: readonly number[]): string {
  const [its, they] = cells.length === 1 ? ['cell', 'it'] : ['cells', 'they'];
  return (
    `node ${node} is the home of ${its} ${cells.join(', ')}: the sessions, queued messages and retained messages there are on its disk ` +
    `alone, and no other node serves ${they === 'it' ? 'it' : 'them'}. When its disk is lost for good, and they with it, start ` +
    `another machine as node ${node} with cluster.on-node-loss: reset; ${they} begin${they === 'it' ? 's' : ''} empty there`
  );
}

async function untilDecided(attempt: () => Promise<RequestOutcome>): Promise<RequestOutcome> {
  let outcome = await attempt();
  for (let attempts = 1; attempts < ATTEMPTS && outcome.kind === 'retry'; attempts++) {
    outcome = await attempt();
  }
  return outcome;
}

/**
 * Reads all keys. A watch has given those that are as they were when it began once what was put before comes. Heartbeats have others changed
 * meanwhile, which it gives later: they have come when what is put then does.
 */
async function readView(map: EngineMap, clock: Clock): Promise<MapView> {
  const before = await putProbe(map);
  const view = new MapView();
  let seen = 0;
  let end = () => {};
  let cancelTimer = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      let after: number | null = null;
      const putAfter = async () => {
        after = Number.POSITIVE_INFINITY;
        after = await putProbe(map);
        if (seen >= after) resolve();
      };
      cancelTimer = clock.setTimer(READ_MS_MAX, () =>
        reject(new EngineError('unavailable', 'the map could not be read in time')),
      );
      end = map.watch('', (key, value, revision) => {
        try {
          view.take(key, value, revision);
        } catch (error) {
          reject(error as Error);
        }
        if (key !== PROBE_KEY || revision < before) return;
        seen = revision;
        if (after === null) putAfter().catch(reject);
        else if (revision >= after) resolve();
      });
    });
  } finally {
    cancelTimer();
    end();
  }
  return view;
}

/** @returns the revision that it has now */
async function putProbe(map: EngineMap): Promise<number> {
  for (let attempts = 0; attempts < PROBE_ATTEMPTS; attempts++) {
    const revision = (await map.get(PROBE_KEY))?.revision ?? 0;
    const outcome = await map.put(PROBE_KEY, new Uint8Array(randomBytes(8)), revision);
    if (typeof outcome === 'number') return outcome;
  }
  throw new EngineError('unavailable', 'the map could not be written to');
}

function outcomeOf(outcome: number | 'removed' | 'conflict' | 'unknown'): RequestOutcome {
  if (outcome === 'conflict') return { kind: 'retry', why: 'it was changed at the same time' };
  if (outcome === 'unknown') return { kind: 'retry', why: 'the engine did not answer' };
  return { kind: 'done' };
}

function refused(why: string): RequestOutcome {
  return { kind: 'refused', why };
}
