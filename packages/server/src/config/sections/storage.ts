import { z } from 'zod';
import { choice, duration, flag, integer, path, size } from '../values/units.ts';

const GIGABYTE = 1000 ** 3;
const MEBIBYTE = 1024 ** 2;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const walSection = z
  .strictObject({
    syncMode: choice('immediate', 'batch', 'periodic')
      .prefault('immediate')
      .describe(
        'when the log is synced to disk: before each acknowledgement, after a number of records, or at intervals',
      ),
    syncInterval: duration(1, MINUTE_MS)
      .prefault('100ms')
      .describe('longest time between two syncs in the modes batch and periodic'),
    batchSyncSize: integer(1, 1_000_000)
      .prefault(100)
      .describe('records after which the mode batch syncs'),
    forceFsync: flag()
      .prefault(false)
      .describe('whether acknowledgements wait for the sync in the modes batch and periodic, too'),
    crashRecoveryValidation: flag()
      .prefault(false)
      .describe('whether the whole log is checked at start, not only what is after the checkpoint')
      .meta({ restart: true }),
    onCorruption: choice('quarantine', 'refuse')
      .prefault('quarantine')
      .describe(
        'whether what is damaged is set aside and the rest is used, or the broker refuses to start',
      )
      .meta({ restart: true }),
    segmentSize: size(MEBIBYTE, 1024 * MEBIBYTE)
      .prefault('16MiB')
      .describe('size of one file of the log')
      .meta({ restart: true }),
    maxPendingBytes: size(1024, 1000 * GIGABYTE)
      .prefault('16MB')
      .describe('bytes that wait to be written; above it, publishers are not read from'),
    checkpointSize: size(MEBIBYTE, 1000 * GIGABYTE)
      .prefault('64MiB')
      .describe('bytes of log after which a checkpoint is taken')
      .meta({ restart: true }),
  })
  .prefault({});

const compactionSection = z
  .strictObject({
    maxMessageAge: duration(0, 3650 * DAY_MS)
      .prefault('2h')
      .describe('how long the log keeps messages that nobody waits for any more'),
    maxWalSize: size(MEBIBYTE, 1_000_000 * GIGABYTE)
      .prefault(100 * MEBIBYTE)
      .describe('size of the log; above it, it is compacted'),
    checkInterval: duration(100, DAY_MS)
      .prefault('5m')
      .describe('how often compaction looks for something to do'),
    concurrentWorkers: integer(1, 64)
      .prefault(2)
      .describe('files of the log that are compacted at the same time'),
    batchSize: integer(1, 1_000_000)
      .prefault(1000)
      .describe('records that compaction moves at a time'),
  })
  .prefault({});

/** What survives the process. */
export const storageSection = z
  .strictObject({
    enabled: flag()
      .prefault(true)
      .describe('whether sessions and messages survive the process, on disk')
      .meta({ restart: true }),
    dataDir: path()
      .prefault('./data')
      .describe('folder of the index and the checkpoints')
      .meta({ restart: true }),
    walDir: path().prefault('./wal').describe('folder of the log').meta({ restart: true }),
    memoryBuffer: size(0, 1000 * GIGABYTE)
      .prefault(256 * MEBIBYTE)
      .describe(
        'bytes of waiting messages that stay in memory; beyond, they are read back from disk',
      ),
    maxQueuedBytes: size(1, 1_000_000 * GIGABYTE)
      .prefault('4GB')
      .describe('bytes of the messages that wait on disk for one session'),
    wal: walSection,
    compaction: compactionSection,
  })
  .prefault({});
