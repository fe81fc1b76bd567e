/** Mutations of the log: what it promises to whoever appends, and how it gets there. */
import type { Mutation } from './mutation.ts';

export const logMutations: readonly Mutation[] = [
  {
    name: 'read-ahead-over-a-gap',
    breaks:
      'what was removed before it was read ahead is missing: the state is not made of what is left',
    edits: [
      {
        find: 'if (state !== null && !recovery.isContinued) throw',
        put: 'if (state === undefined) throw',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'read-ahead-restores-twice',
    breaks: 'a state that was read ahead is read on, not begun again',
    edits: [{ find: 'if (!isStateKnown) {', put: 'if (owner !== null) {' }],
    caughtBy: ['log'],
  },
  {
    name: 'segment-without-data-not-replicated',
    breaks: 'what follows a full disk follows what the replica has',
    edits: [{ find: 'replication?.begin(next);', put: '' }],
    caughtBy: ['log'],
  },
  {
    name: 'acknowledged-before-sync',
    breaks: 'sync mode immediate: a listener is notified when its record survives a power cut',
    edits: [
      {
        find: 'if (this.#acksAfterSync || this.#unsynced.length > 0 || this.#inSync.length > 0) {',
        put: 'if (this.#state.head < 0) {',
      },
    ],
    caughtBy: ['log', 'simulation'],
  },
  {
    name: 'data-not-synced',
    breaks: 'a sync tells the disk',
    edits: [{ find: 'await (segment.file as OpenFile).sync();', put: 'await null;' }],
    caughtBy: ['log', 'simulation'],
  },
  {
    name: 'dirty-before-written',
    breaks: 'a sync that is under way does not cover what is written meanwhile',
    edits: [
      {
        find: 'await file.write(bytes, builder.position - segment.first);',
        put: 'segment.isDirty = true;\n    await file.write(bytes, builder.position - segment.first);',
      },
      {
        find: 'segment.isDirty = true; // Not before it is written: what the replica has',
        put: '// What the replica has',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'directory-not-synced-after-rename',
    breaks: 'a new segment has its name on disk before anything in it is acknowledged',
    edits: [
      {
        find: 'segment.file = file; await this.#files.syncDirectory(this.#directory);',
        put: 'segment.file = file;',
      },
    ],
    caughtBy: ['log', 'simulation'],
  },
  {
    name: 'header-not-synced',
    breaks: "a segment's header is on disk before its name",
    edits: [
      {
        find: 'await file.sync(); await this.#files.rename',
        put: 'await this.#files.rename',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'directory-not-synced-after-unlink',
    breaks: 'removals are durable when they are done',
    edits: [
      {
        find: 'if (segments.length > 0) await this.#files.syncDirectory(this.#directory);',
        put: '',
      },
    ],
    caughtBy: [],
    harmless:
      'all that comes back is dead: it lies before a durable snapshot and checkpoint; the sync only ' +
      'frees the room at once',
  },
  {
    name: 'crc-not-checked',
    breaks: 'a batch is read only when its checksum is right',
    edits: [
      {
        find: 'if (crc32(buffer.subarray(offset + 12, offset + size)) !== expected) return null;',
        put: 'if (expected < 0) return null;',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'half-a-batch-accepted',
    breaks: 'a batch is there whole or not at all',
    edits: [
      {
        find: 'buffer.writeUInt32LE(crc32(buffer.subarray(12, size)), 8);',
        put: 'buffer.writeUInt32LE(crc32(buffer.subarray(12, BATCH_HEADER_SIZE)), 8);',
      },
      {
        find: 'if (crc32(buffer.subarray(offset + 12, offset + size)) !== expected) return null;',
        put: 'if (crc32(buffer.subarray(offset + 12, offset + BATCH_HEADER_SIZE)) !== expected) return null;',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'torn-tail-not-cut',
    breaks: 'bytes after a torn tail are gone before anything is written there',
    edits: [
      {
        find: 'await this.#truncate(segment, start); if (isClean) return;',
        put: 'segment.end = segment.first + start;\n    if (isClean) return;',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'torn-tail-kept-behind-gap',
    breaks: 'the log ends before the first batch that is missing',
    edits: [
      {
        find: 'if (durable <= position) { await this.#cut(',
        put: 'if (durable < 0) {\n      await this.#cut(',
      },
    ],
    caughtBy: ['log', 'simulation'],
  },
  {
    name: 'durable-position-ahead',
    breaks: 'a batch says up to where the log was durable, and no further',
    edits: [
      {
        find: 'builder.seal(state.durable, timeMs)',
        put: 'builder.seal(state.head, timeMs)',
      },
    ],
    caughtBy: ['log', 'simulation'],
  },
  {
    name: 'position-used-again-behind-checkpoint',
    breaks: 'a position that the index knows of is not given to another record',
    edits: [
      {
        find: 'if ((segments.at(-1)?.end ?? 0) < from.position) throw endMissing(from, options.directory);',
        put: '',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'refused-position-used-again',
    breaks: 'the position of a record that was refused is not given to another one',
    edits: [
      {
        find: 'const first = alignUp(state.head); const next = Segment.after(',
        put: 'const first = alignUp(last?.end ?? 0);\n    const next = Segment.after(',
      },
    ],
    caughtBy: [],
    harmless:
      'whoever knew of what was refused has taken it back; the positions are left out so that a file of ' +
      'a refused segment, which is being removed, never meets a new one of its name',
  },
  {
    name: 'index-of-another-log-used',
    breaks: 'an index of another log is never used',
    edits: [
      {
        find: 'return known.every((segment) => segment.logId !== logId);',
        put: 'return false;',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'index-of-another-log-thrown-away',
    breaks: 'an index is only made again where the segments hold the whole state',
    edits: [{ find: 'return finder.last !== null;', put: 'return true;' }],
    caughtBy: ['log'],
  },
  {
    name: 'identity-before-its-segment',
    breaks: 'the index names no identity that no segment has',
    edits: [
      {
        find: '(isIdWritten || this.#segments.last?.isCurrent ? this.id : null)',
        put: '(isIdWritten ? this.id : this.id)',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'lock-without-a-look-at-others',
    breaks: 'only one process holds a directory',
    edits: [{ find: 'if (!(await isAlive)) break;', put: '      if (true) break;' }],
    caughtBy: ['log'],
  },
  {
    name: 'lock-of-a-process-that-hangs-up-taken',
    breaks: 'a process that has no descriptor left for an answer keeps its directory',
    edits: [
      {
        find: 'await new Promise((done) => setTimeout(done, ASK_INTERVAL_MS));',
        put: '      break;',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'checkpoint-before-sync',
    breaks: 'a checkpoint knows of no record that a power cut would take away',
    edits: [
      {
        find: 'await this.#log.flush(); await index.commit({',
        put: 'await index.commit({',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'checkpoint-failure-forgotten',
    breaks: 'after a checkpoint that failed the next one holds everything',
    edits: [
      {
        find: 'this.isIndexStale = true; for (const segment of removedSegments)',
        put: 'for (const segment of removedSegments)',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'failed-sync-ignored',
    breaks: 'a sync that fails ends the log: nothing that it was to make safe is acknowledged',
    edits: [
      {
        find: 'onSyncFailed(error); return; } if (this.#state.status ===',
        put: 'void error;\n    }\n    if (this.#state.status ===',
      },
    ],
    caughtBy: ['log', 'storage'],
  },
  {
    name: 'failed-sync-tried-again',
    breaks: 'a sync that fails ends the log: the next one may report success for lost data',
    edits: [
      {
        find: 'onSyncFailed(error); return; } if (this.#state.status ===',
        put: 'void error;\n      this.#unsynced.unshift(...this.#inSync);\n      this.#inSync = [];\n      return;\n    }\n    if (this.#state.status ===',
      },
    ],
    caughtBy: ['log', 'storage'],
  },
  {
    name: 'full-disk-taken-for-success',
    breaks: 'what a full disk has no room for is refused',
    edits: [
      {
        find: 'this.#appender.putBack(group.slice(writtenCount));',
        put: "if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {\n          await this.#onWritten(group);\n          continue;\n        }\n        this.#appender.putBack(group.slice(writtenCount));",
      },
    ],
    caughtBy: ['log', 'storage', 'simulation'],
  },
  {
    name: 'full-disk-refuses-what-is-written',
    breaks: 'what a full disk refused does not come back after a crash',
    edits: [
      {
        find: 'this.#appender.putBack(group.slice(writtenCount));',
        put: 'writtenCount = 0;\n        this.#appender.putBack(group);',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'close-without-checkpoint',
    breaks: 'an orderly stop leaves nothing to replay',
    edits: [
      {
        find: 'await this.checkpoint().catch(() => this.checkpoint());',
        put: '',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'half-a-snapshot-accepted',
    breaks: 'a snapshot counts when all of it is there',
    edits: [
      {
        find: 'if (end !== null && end.begin === begin && end.count === this.#count) {',
        put: 'if (end !== null) {',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'live-record-not-moved',
    breaks: 'a segment goes when all live records of it have been copied',
    edits: [
      {
        find: 'for (let at = index; at < end; at++) {',
        put: 'for (let at = index + 1; at < end; at++) {',
      },
    ],
    caughtBy: ['log', 'simulation'],
  },
  {
    name: 'segments-go-before-flush',
    breaks: 'what the owner no longer keeps is durably not needed any more',
    edits: [{ find: 'if (this.#log.isOpen()) await this.#log.flush();', put: '' }],
    caughtBy: ['log'],
  },
  {
    name: 'segments-go-before-copies-are-synced',
    breaks: 'the copies of live records are durable before their segment goes',
    edits: [
      { find: 'if (this.#log.isOpen()) await this.#log.flush();', put: '' },
      {
        find: 'await this.#log.flush(); this.#refuseIfOver(); this.#moves = [];',
        put: 'this.#refuseIfOver();\n    this.#moves = [];',
      },
      {
        find: 'const end = seal(); await this.#log.flush(); this.snapshot = { start, end };',
        put: 'const end = seal();\n    this.snapshot = { start, end };',
      },
      {
        find: 'await this.#log.flush(); await index.commit({',
        put: 'await index.commit({',
      },
    ],
    caughtBy: ['log', 'simulation'],
  },
  {
    name: 'snapshot-not-synced',
    breaks: 'the snapshot is durable before the segments before it go',
    edits: [
      {
        find: 'const end = seal(); await this.#log.flush(); this.snapshot = { start, end };',
        put: 'const end = seal();\n    this.snapshot = { start, end };',
      },
    ],
    caughtBy: [],
    harmless: 'the checkpoint that follows flushes, too, before the index and the segments change',
  },
  {
    name: 'no-snapshot-before-segments-go',
    breaks: 'after the last snapshot nothing is ever missing, with or without the index',
    edits: [
      {
        find: 'await this.#log.writeSnapshot(victims); await this.#log.checkpoint();',
        put: 'await this.#log.checkpoint();',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'no-checkpoint-before-segments-go',
    breaks: 'the index knows of the copies before their segment goes',
    edits: [
      {
        find: 'await this.#log.writeSnapshot(victims); await this.#log.checkpoint();',
        put: 'await this.#log.writeSnapshot(victims);',
      },
    ],
    caughtBy: [],
    harmless:
      'the snapshot is newer than the checkpoint and is taken instead; the checkpoint saves the time',
  },
  {
    name: 'interrupted-checkpoint-not-undone',
    breaks: 'an index that was being written to when the process was killed is as it was before',
    edits: [{ find: 'writeSync(file, before.head, 0, before.head.length, 0);', put: '' }],
    caughtBy: ['log'],
  },
  {
    name: 'damage-taken-for-a-checkpoint',
    breaks: 'what a checkpoint has not written is checked after a kill, too',
    edits: [{ find: 'if (count === 0) return false;', put: 'if (count === 0) page++;' }],
    caughtBy: ['log'],
  },
];
