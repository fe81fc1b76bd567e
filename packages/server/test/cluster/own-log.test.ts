import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type EngineMap, LogNotedOtherwise, noteCellLog, readCellLog } from '@promptmq/cluster';
import { MemoryServers } from '@promptmq/cluster/testing';
import { LmdbIndex, Log, type LogOwner, type LogRecord, nodeClock } from '@promptmq/wal';
import { Random } from '@promptmq/wal/testing';
import { LogLost } from '../../src/cluster/cell/lost-log.ts';
import { OwnLog, type OwnLogOptions } from '../../src/cluster/cell/own-log.ts';
import { type Logger, noopLogger } from '../../src/log/index.ts';

const CELL = 3;
const OTHER = 'ab'.repeat(16);

let root: string;
let servers: MemoryServers;
let epoch: number;
let lines: { readonly level: string; readonly event: string; readonly fields: object }[];
let logger: Logger;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'promptmq-own-log-'));
  servers = new MemoryServers({ clock: nodeClock, random: new Random(1) });
  epoch = 0;
  lines = [];
  const take = (level: string) => (event: string, fields?: object) =>
    void lines.push({ level, event, fields: fields ?? {} });
  logger = { ...noopLogger, warn: take('warn'), error: take('error') };
});

afterEach(() => rmSync(root, { recursive: true }));

const wal = () => join(root, 'wal', 'cell-3');
const data = () => join(root, 'data', 'cell-3');

function options(onLoss: 'wait' | 'reset' = 'wait'): OwnLogOptions {
  return {
    map: servers.client().map,
    ...{ cell: CELL, epoch: ++epoch, node: 'one', walDir: wal(), dataDir: data() },
    ...{ onLoss, log: logger },
  };
}

/** Opens the cell as its process does, up to a record. */
async function serve(record: string, onLoss: 'wait' | 'reset' = 'wait'): Promise<string[]> {
  const own = await OwnLog.find(options(onLoss));
  const { log, append, found } = await openLog(wal(), data(), own.identity);
  await own.keep(log);
  append(record);
  await log.close();
  return found;
}

/** The texts of a log, in their order. */
class Texts implements LogOwner {
  readonly found: string[] = [];

  restore(entries: Iterable<readonly [string, Uint8Array]>): void {
    for (const [, value] of entries) this.found.push(`${Buffer.from(value)}`);
  }

  replay({ data }: LogRecord): void {
    this.found.push(`${Buffer.from(data)}`);
  }

  changes(): Iterable<readonly [string, Uint8Array]> {
    return this.snapshot();
  }

  snapshot(): [string, Uint8Array][] {
    return this.found.map((text, index) => [`${index}`, Buffer.from(text)]);
  }
}

async function openLog(walDir: string, dataDir: string, id: string) {
  mkdirSync(dataDir, { recursive: true });
  const owner = new Texts();
  const index = new LmdbIndex(join(dataDir, 'index'));
  const log = await Log.open({ directory: walDir, id, index, owner });
  const append = (text: string) => {
    owner.found.push(text);
    log.append(Buffer.from(text));
  };
  return { log, append, found: [...owner.found] };
}

/** The log of another cell, in a folder beside. */
async function makeOther(): Promise<void> {
  const { log, append } = await openLog(join(root, 'other'), join(root, 'other-data'), OTHER);
  append('foreign');
  await log.close();
}

const noted = async () => (await readCellLog(servers.client().map, CELL))?.record ?? null;
const events = () => lines.map(({ event }) => event);

describe('the log that a cell has at its home alone', () => {
  test('is noted before it is there, and as kept once it is', async () => {
    const own = await OwnLog.find(options());
    expect(await noted()).toEqual({ identity: own.identity, node: 'one', state: 'begun' });
    const { log } = await openLog(wal(), data(), own.identity);
    await own.keep(log);
    expect(await noted()).toMatchObject({ identity: own.identity, state: 'kept' });
    // It is on the disk then, though nothing was written to it.
    expect(readdirSync(wal()).some((name) => name.endsWith('.log'))).toBe(true);
    await log.close();
  });

  test('is opened again with what it has', async () => {
    await serve('first');
    expect(await serve('second')).toEqual(['first']);
    expect(await serve('third')).toEqual(['first', 'second']);
    expect(events()).toEqual([]);
  });

  test('that was begun and never was on the disk begins again, and nothing is lost', async () => {
    const first = await OwnLog.find(options());
    const second = await OwnLog.find(options());
    expect(second.identity).not.toBe(first.identity);
    expect(await serve('first')).toEqual([]);
    expect(events()).toEqual([]);
  });

  test('that is not there is waited for, and opened when it is back', async () => {
    await serve('first');
    const before = await noted();
    renameSync(join(root, 'wal'), join(root, 'away'));
    for (let times = 0; times < 2; times++) {
      const refused = OwnLog.find(options());
      await expect(refused).rejects.toThrow(LogLost);
      await expect(refused).rejects.toThrow(
        `cell 3: log ${before?.identity}, which node one has made, is not in ${wal()}`,
      );
      await expect(refused).rejects.toThrow('set cluster.on-node-loss to reset there');
      expect(await noted()).toEqual({ ...before, state: 'lost' });
    }
    renameSync(join(root, 'away'), join(root, 'wal'));
    expect(await serve('second')).toEqual(['first']);
    expect(await noted()).toEqual(before);
  });

  test('that is not there begins empty where it is to, and that is said', async () => {
    await serve('first');
    const before = await noted();
    rmSync(join(root, 'wal'), { recursive: true });
    expect(await serve('second', 'reset')).toEqual([]);
    const after = await noted();
    expect(after).toMatchObject({ node: 'one', state: 'kept' });
    expect(after?.identity).not.toBe(before?.identity);
    expect(lines).toMatchObject([
      {
        level: 'error',
        event: 'cell-reset',
        fields: { cell: 3, lost: before?.identity, identity: after?.identity },
      },
    ]);
    // What index there was is not taken for that of the new log.
    expect(readdirSync(join(root, 'data')).sort()).toEqual(['cell-3', 'cell-3.stale-2']);
    expect(await serve('third', 'reset')).toEqual(['second']);
  });

  test('is not taken for another one that is in its folder, which is set aside', async () => {
    await serve('first');
    await makeOther();
    renameSync(wal(), join(root, 'own'));
    cpSync(join(root, 'other'), wal(), { recursive: true });
    await expect(OwnLog.find(options())).rejects.toThrow(LogLost);
    expect(readdirSync(join(root, 'wal')).sort()).toEqual(['cell-3', 'cell-3.stale-2']);
    expect(lines).toMatchObject([
      {
        level: 'warn',
        event: 'cell-log-set-aside',
        fields: { cell: 3, identity: OTHER, from: wal(), to: `${wal()}.stale-2` },
      },
    ]);
    rmSync(wal(), { recursive: true });
    renameSync(join(root, 'own'), wal());
    expect(await serve('second')).toEqual(['first']);
  });

  test('is adopted where the engine has lost what it knew of it', async () => {
    await serve('first');
    const before = await noted();
    servers = new MemoryServers({ clock: nodeClock, random: new Random(2) });
    expect(await serve('second')).toEqual(['first']);
    expect(await noted()).toEqual(before);
  });

  test('is not moved where another process has noted another one meanwhile', async () => {
    await serve('first');
    const own = servers.client().map;
    const former = await own.get('log.3');
    const other = { identity: 'cd'.repeat(16), node: 'one', state: 'kept' } as const;
    await noteCellLog(own, nodeClock, CELL, other, former?.revision ?? 0);
    // What is read first is what was there before that.
    const reads: (typeof former)[] = [];
    const map: EngineMap = {
      get: async (key) => reads.shift() ?? own.get(key),
      put: (key, value, revision) => own.put(key, value, revision),
      remove: (key, revision) => own.remove(key, revision),
      watch: (prefix, onChange) => own.watch(prefix, onChange),
    };
    await makeOther();
    renameSync(wal(), join(root, 'own'));
    cpSync(join(root, 'other'), wal(), { recursive: true });
    for (const onLoss of ['wait', 'reset'] as const) {
      reads.push(former);
      await expect(OwnLog.find({ ...options(onLoss), map })).rejects.toThrow(LogNotedOtherwise);
    }
    expect(readdirSync(join(root, 'wal'))).toEqual(['cell-3']);
  });
});
