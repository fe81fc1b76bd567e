import { describe, expect, test } from '@jest/globals';
import { LogError, type LogOwner } from '../src/index.ts';
import { FaultyFiles, MemoryIndex, Random, systemError } from '../src/testing/index.ts';
import { openLog, settle } from './support/open-log.ts';

const text = (value: string) => Buffer.from(value);

/** Adds up the numbers that were appended. */
class Sum implements LogOwner {
  value = 0;
  replayed: number[] = [];

  add(data: Uint8Array): void {
    this.value += Number(Buffer.from(data).toString());
  }

  restore(entries: Iterable<readonly [string, Uint8Array]>): void {
    for (const [, value] of entries) this.value = Number(Buffer.from(value).toString());
  }

  replay({ data, position }: { data: Buffer; position: number }): void {
    this.replayed.push(position);
    this.add(data);
  }

  changes() {
    return [['sum', text(String(this.value))] as const];
  }
}

describe('group commit', () => {
  test('listeners are notified in order, then onCommitted, once a group', async () => {
    const seen: string[] = [];
    const log = await openLog(new FaultyFiles(), {
      onCommitted: () => seen.push(`committed ${log.acknowledgedPosition === log.head}`),
    });
    const positions = ['a', 'b', 'c'].map((name) =>
      log.append(text(name), (error) => seen.push(`${name} ${error}`)),
    );
    expect(log.pendingBytes).toBeGreaterThan(3);
    expect(positions.every((position) => position >= log.acknowledgedPosition)).toBe(true);
    await settle();
    expect(seen).toEqual(['a null', 'b null', 'c null', 'committed true']);
    expect(positions.every((position) => position < log.acknowledgedPosition)).toBe(true);
    expect(log.pendingBytes).toBe(0);
    await log.close();
  });

  test('while one group is synced the next gathers', async () => {
    const files = new FaultyFiles();
    const log = await openLog(files);
    log.append(text('first'));
    await settle();
    let release = () => {};
    files.delay = () =>
      new Promise((done) => {
        release = done;
      });
    const batches = log.stats.batches;
    const committed: number[] = [];
    log.append(text('a'), () => committed.push(0));
    await settle();
    for (let turn = 1; turn <= 5; turn++) {
      log.append(text('b'), () => committed.push(turn));
      await settle(2);
    }
    expect(committed).toEqual([]);
    files.delay = async () => {};
    release();
    await settle();
    expect(committed).toEqual([0, 1, 2, 3, 4, 5]);
    expect(log.stats.batches - batches).toBe(2);
    await log.close();
  });

  test('a sync for something else does not hold an acknowledgement up', async () => {
    const files = new FaultyFiles();
    // Nothing may wait for a timer.
    const clock = {
      now: () => 1,
      wallNow: () => 1,
      defer: (callback: () => void) => void setImmediate(callback),
      setTimer: () => () => {},
    };
    const log = await openLog(files, { clock });
    log.append(text('a'));
    const flushed = log.flush();
    let isAcknowledged = false;
    await new Promise((done) => setImmediate(done));
    log.append(text('b'), () => {
      isAcknowledged = true;
    });
    await flushed;
    await settle();
    expect(isAcknowledged).toBe(true);
    await log.close();
  });

  test('what was appended and is refused is reported with its first position, before the listeners', async () => {
    for (const code of ['ENOSPC', 'EIO']) {
      const files = new FaultyFiles();
      const seen: unknown[] = [];
      const log = await openLog(files, {
        onRefused: (from, error) => seen.push([from, error.code]),
      });
      log.append(text('a'));
      await settle();
      const { head } = log;
      files.beforeOperation = (name) => {
        if (name === 'write') throw systemError(code, name);
      };
      const position = log.append(text('b'), (error) => seen.push((error as LogError).code));
      await settle();
      const expected = code === 'EIO' ? 'failed' : 'full';
      expect(seen).toEqual([[head, expected], expected]);
      expect(position).toBeGreaterThan(head);
      expect(log.pendingBytes).toBe(0);
      files.beforeOperation = () => {};
      await log.close();
    }
  });

  test('nothing is appended while a log is closing', async () => {
    const log = await openLog(new FaultyFiles());
    let isCommitted = false;
    log.append(text('a'), () => {
      isCommitted = true;
    });
    const closed = log.close();
    expect(() => log.append(text('b'))).toThrow(LogError);
    await closed;
    expect(isCommitted).toBe(true);
  });
});

describe('a change of the sync mode', () => {
  test('what waits for a sync still does, and the order is kept', async () => {
    const files = new FaultyFiles();
    const log = await openLog(files, { syncMode: 'periodic', syncInterval: 1e6, forceSync: true });
    const seen: string[] = [];
    log.append(text('a'), () => seen.push(`a ${log.durablePosition > positionOfA}`));
    const positionOfA = log.head - 1;
    await settle();
    expect(seen).toEqual([]);
    log.setSyncMode({ syncMode: 'periodic', syncInterval: 1e6 });
    log.append(text('b'), () => seen.push('b'));
    await settle();
    expect(seen).toEqual(['a true', 'b']);
    log.append(text('c'), () => seen.push('c'));
    await settle();
    expect(log.durablePosition).toBeLessThan(log.head);
    log.setSyncMode({ syncMode: 'immediate' });
    await settle();
    expect(log.durablePosition).toBe(log.head);
    expect(seen).toEqual(['a true', 'b', 'c']);
    await log.close();
  });
});

describe('exact checkpoints', () => {
  test('records appended while a checkpoint is taken are replayed, those before it are not', async () => {
    for (let at = 0; at < 20; at++) {
      const files = new FaultyFiles();
      const index = new MemoryIndex();
      const owner = new Sum();
      const log = await openLog(files, { index, owner });
      const positions: number[] = [];
      let committed = 0;
      const append = (value: number) => {
        positions.push(log.append(text(String(value)), () => committed++));
        owner.add(text(String(value)));
      };
      for (let value = 1; value <= 20; value++) {
        append(value);
        if (value === at) void log.checkpoint();
        if (value % 3 === 0) await settle(1);
      }
      await settle();
      expect(committed).toBe(20);
      const next = new Sum();
      const reopened = await openLog(files.crash('nothing', new Random(1)), {
        index: index.crash(),
        owner: next,
      });
      expect(next.value).toBe(210);
      expect(next.replayed).toEqual(positions.slice(at));
      await reopened.close();
    }
  });
});

describe('reading', () => {
  test('readNow finds what follows a record that was read', async () => {
    const log = await openLog(new FaultyFiles(), { segmentSize: 3000 });
    const written = new Map<number, string>();
    for (let count = 0; count < 200; count++) {
      const content = `${count}`.padEnd(count, '.');
      written.set(log.append(text(content), null, text(count % 2 ? 's' : '')), content);
      if (count % 7 === 0) await settle(6);
    }
    await log.flush();
    let reads = 0;
    for (const [position, content] of written) {
      let record = log.readNow(position);
      if (record === null) {
        record = await log.read(position);
        reads++;
        expect(log.readNow(position)).toEqual(record);
      }
      expect(record).toMatchObject({ position, data: text(content) });
    }
    expect(reads).toBe(log.segments.length);
    const [first, second] = [...written.keys()] as [number, number];
    expect(log.readNow(first)).not.toBeNull();
    expect(log.readNow(second + 1)).toBeNull();
    expect(log.readNow(log.head)).toBeNull();
    await expect(log.read(second + 1)).rejects.toMatchObject({ code: 'not-found' });
    await expect(log.read(log.head)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining(`nothing is written at position ${log.head} yet`),
    });
    await log.close();
  });
});
