export type { CompactionOptions, CompactionResult } from './compaction/compaction.ts';
export { isOutOfDescriptors } from './files/descriptor-reserve.ts';
export { nodeFiles } from './files/node-files.ts';
export { type LogRecord, recordBytes } from './format/format.ts';
export type { PairList } from './format/pair-list.ts';
export type { SnapshotRange } from './format/snapshot.ts';
export { LmdbIndex } from './index/lmdb-index.ts';
export type { CommitListener } from './log/batch-builder.ts';
export { Log } from './log/log.ts';
export type { LogOptions, SyncMode, SyncOptions } from './log/log-options.ts';
export type { LogStats } from './log/log-stats.ts';
export { LogTime, type Resumption } from './log/log-time.ts';
export type { CorruptionPolicy } from './open/recovery.ts';
export {
  type Checkpoint,
  type CheckpointChange,
  type CheckpointEntry,
  type CheckpointStore,
  type IndexSummary,
  NoIndex,
  type SegmentState,
  type TimeMark,
} from './ports/checkpoint-store.ts';
export { type Clock, nodeClock } from './ports/clock.ts';
export type { Files, OpenFile } from './ports/files.ts';
export { LogError, type LogErrorCode } from './ports/log-error.ts';
export type { LogEvent, LogEventListener } from './ports/log-event.ts';
export type { LogOwner, Release } from './ports/log-owner.ts';
export type { LogSource, SourceEnd } from './ports/log-source.ts';
export type { Replica } from './ports/replica.ts';
export type { RecordView } from './segments/log-reader.ts';
export type { Segment } from './segments/segment.ts';
