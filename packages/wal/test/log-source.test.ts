import { expect, jest, test } from '@jest/globals';
import type { Log, LogEvent, LogOptions, LogOwner, LogSource, SourceEnd } from '../src/index.ts';
import { FaultyFiles, MemoryIndex, MemoryReplica, Random } from '../src/testing/index.ts';
import { LogCopy } from '../src/tools/index.ts';
import { checkItems, LiveSet } from './support/live-set.ts';
import { DIRECTORY, openLog, settle } from './support/open-log.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const OPTIONS = {
  segmentSize: 700,
  compaction: { maxSize: 1200, checkInterval: 0, batchSize: 3 },
} as const;

/** Who writes the log, on a machine of its own. */
interface Writer {
  readonly log: Log;
  readonly owner: LiveSet;
  readonly replica: MemoryReplica;
}

async function openWriter(options: Partial<LogOptions> = {}): Promise<Writer> {
  const replica = new MemoryReplica();
  const owner = new LiveSet();
  const terms = { owner, onRefused: owner.onRefused, replica };
  const log = await openLog(new FaultyFiles(), { ...OPTIONS, ...terms, ...options });
  return { log, owner, replica };
}

/** Its state is begun once. */
class BegunSet extends LiveSet {
  #isBegun = false;

  override restore(entries: Parameters<LiveSet['restore']>[0]): void {
    if (this.#isBegun) throw new Error('a state that is there is begun again');
    this.#isBegun = true;
    super.restore(entries);
  }
}

/** Adds items, and removes some. */
async function work({ log, owner }: Writer, random: Random, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let count = random.below(4); count >= 0; count--) owner.add(log, `${owner.steps.length}`);
    for (const id of [...owner.items.keys()]) if (random.chance(0.4)) owner.remove(log, id);
    await settle(3);
  }
  await log.flush();
}

/** Copies what the replica has when `read` is called: as if its log began with what it has not trimmed. */
class CopiedLog implements LogSource {
  readonly #files: FaultyFiles;
  readonly #replica: MemoryReplica;
  readonly #steps: (() => Promise<void>)[];
  end = 0;

  /** @param steps - what happens between, and before the copy ends */
  constructor(files: FaultyFiles, replica: MemoryReplica, steps: (() => Promise<void>)[]) {
    this.#files = files;
    this.#replica = replica;
    this.#steps = steps;
  }

  async more(): Promise<SourceEnd | null> {
    await this.#steps.shift()?.();
    const isOver = this.#steps.length === 0;
    const copy = await LogCopy.open(DIRECTORY, this.#files);
    const from = this.#replica.files(DIRECTORY);
    for (const path of from.paths) {
      const first = Number.parseInt(path.slice(-20, -4), 16);
      await copy.take(first, first, from.contentOf(path));
    }
    if (isOver) await copy.finish(this.#replica.position);
    else await copy.close();
    this.end = this.#replica.position;
    return isOver ? { id: 'f'.repeat(32), replica: this.#replica.reopen() } : null;
  }
}

/** What is known of the records of each segment. */
function bytesOf({ segments }: Log): (readonly number[])[] {
  return segments.map(({ first, end, recordBytes, releasedBytes }) => [
    ...[first, end, recordBytes, releasedBytes],
  ]);
}

test('a log that is read while another process writes it is the same as one that is read at once', async () => {
  let removed = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    // Without compaction where segments are compared: a snapshot knows about how much of each is needed.
    const isCompacted = seed % 2 === 0;
    const writer = await openWriter();
    const { log, owner, replica } = writer;
    await work(writer, random, random.below(20));
    const files = new FaultyFiles();
    const step = async () => {
      await work(writer, random, random.below(10));
      if (isCompacted) await log.compact();
    };
    const steps = Array.from({ length: 1 + random.below(4) }, () => step);
    const next = new BegunSet();
    const source = new CopiedLog(files, replica, [...steps, () => log.close()]);
    const index = new MemoryIndex();
    const opened = await openLog(files, { ...OPTIONS, owner: next, source, index }).catch(
      (error) => {
        if (!isCompacted || error.code !== 'missing') throw error;
        return null;
      },
    );
    if (opened === null) {
      removed++;
      continue;
    }
    expect(opened.id).toBe(log.id);
    expect(opened.head).toBe(replica.position);
    await checkItems(opened, next, owner.steps, owner.steps.length);
    if (!isCompacted) {
      const plain = await openLog(replica.files(DIRECTORY), { ...OPTIONS, owner: new LiveSet() });
      expect(bytesOf(opened)).toEqual(bytesOf(plain));
      expect(opened.stats.recoveredRecords).toBe(plain.stats.recoveredRecords);
      await plain.close();
    }
    next.add(opened, 'behind');
    await opened.compact();
    await opened.checkpoint();
    await checkItems(opened, next, [...owner.steps, ...next.steps], owner.steps.length);
    await opened.close();
    // With its index.
    const again = new LiveSet();
    const reopened = await openLog(files, { ...OPTIONS, owner: again, index });
    expect([...again.items.keys()].sort()).toEqual([...next.items.keys()].sort());
    await reopened.close();
  }
  expect(removed).toBeLessThan(12);
});

test('a machine that had the log before continues with its index', async () => {
  const random = new Random(1);
  const writer = await openWriter({ compaction: { checkInterval: 0 } });
  const { owner, replica, log } = writer;
  await work(writer, random, 10);
  const files = replica.files(DIRECTORY);
  const index = new MemoryIndex();
  const before = await openLog(files, { ...OPTIONS, owner: new LiveSet(), index });
  await before.close();
  const known = before.stats.recoveredRecords;
  const next = new BegunSet();
  const grow = () => work(writer, random, 5);
  const source = new CopiedLog(files, replica, [grow, grow, () => log.close()]);
  const opened = await openLog(files, { ...OPTIONS, owner: next, source, index: index.crash() });
  await checkItems(opened, next, owner.steps, owner.steps.length);
  expect(opened.stats.recoveredRecords).toBe(owner.steps.length - known);
  await opened.close();
});

test('an empty log gets the identity that its source names', async () => {
  const files = new FaultyFiles();
  const source: LogSource = {
    end: 0,
    more: async () => ({ id: 'a'.repeat(32), replica: new MemoryReplica() }),
  };
  const opened = await openLog(files, { source });
  expect(opened.id).toBe('a'.repeat(32));
  opened.append(Buffer.from('first'));
  await opened.flush();
  expect(opened.replicatedPosition).toBe(opened.head);
  await opened.close();
});

test('what was removed before it could be read is missing, and the log is opened by who begins again', async () => {
  const random = new Random(2);
  const writer = await openWriter();
  const { owner, replica, log } = writer;
  await work(writer, random, 10);
  const files = new FaultyFiles();
  const replace = async () => {
    const { head } = log;
    while (log.tail <= head) {
      await work(writer, random, 10);
      await log.compact();
    }
    await log.close();
  };
  const source = new CopiedLog(files, replica, [async () => {}, replace]);
  const opening = openLog(files, { ...OPTIONS, owner: new LiveSet(), source });
  await expect(opening).rejects.toMatchObject({ code: 'missing' });
  const next = new LiveSet();
  const opened = await openLog(files, { ...OPTIONS, owner: next, replica: replica.reopen() });
  await checkItems(opened, next, owner.steps, owner.steps.length);
  await opened.close();
});

test('what can not be read while another process writes it is read, and repaired, when the log is this one’s', async () => {
  const random = new Random(3);
  const writer = await openWriter({ compaction: { checkInterval: 0 } });
  const { owner, replica, log } = writer;
  await work(writer, random, 20);
  const files = new FaultyFiles();
  const damage = async () => {
    const [path] = files.paths as [string];
    const bytes = files.contentOf(path);
    bytes.fill(0xff, 200, 240);
    files.replace(path, bytes);
  };
  const events: LogEvent[] = [];
  const copied = new CopiedLog(files, replica, [async () => {}, () => log.close()]);
  const source: LogSource = {
    get end() {
      return copied.end;
    },
    more: async () => {
      const end = await copied.more();
      await damage();
      return end;
    },
  };
  let replayed = 0;
  const next: LogOwner = {
    restore: () => {},
    replay: () => void replayed++,
    changes: () => [],
  };
  const opened = await openLog(files, { owner: next, source, segmentSize: 700 }, events);
  expect(events.map(({ type }) => type)).toContain('quarantined');
  expect(replayed).toBeGreaterThan(0);
  expect(replayed).toBeLessThan(owner.steps.length);
  await opened.close();
});

test('a source that fails leaves nothing open', async () => {
  const files = new FaultyFiles();
  const source: LogSource = {
    end: 0,
    more: async () => {
      throw new Error('another node has it');
    },
  };
  await expect(openLog(files, { source })).rejects.toThrow('another node has it');
  await (await openLog(files)).close();
});
