export { type BackupReport, backupLog } from './backup.ts';
export type { CommitListener } from './batch-builder.ts';
export {
  type Checkpoint,
  type CheckpointChange,
  type CheckpointEntry,
  type CheckpointStore,
  type IndexSummary,
  NoIndex,
  type SegmentState,
  type SnapshotRange,
} from './checkpoint-store.ts';
export { type Clock, nodeClock } from './clock.ts';
export type { CompactionOptions, CompactionResult } from './compaction.ts';
export { isOutOfDescriptors } from './descriptor-reserve.ts';
export { type DumpedRecord, type DumpOptions, dumpLog } from './dump.ts';
export type { LogEvent, LogEventListener } from './events.ts';
export type { Files, OpenFile } from './files.ts';
export { type LogRecord, recordBytes } from './format.ts';
export { type InspectionOptions, whyIndexIsForeign } from './inspection.ts';
export { LmdbIndex } from './lmdb-index.ts';
export { Log } from './log.ts';
export { LogError, type LogErrorCode } from './log-error.ts';
export type { LogOptions, SyncMode, SyncOptions } from './log-options.ts';
export type { LogOwner, Release } from './log-owner.ts';
export type { RecordView } from './log-reader.ts';
export { LogTime, type Resumption, type TimeMark } from './log-time.ts';
export { nodeFiles } from './node-files.ts';
export type { PairList } from './pair-list.ts';
export type { CorruptionPolicy } from './recovery.ts';
export { type RepairReport, repairLog } from './repair.ts';
export type { Segment } from './segment.ts';
export { type LogStat, type SegmentStat, statLog } from './stat.ts';
export type { LogStats } from './stats.ts';
export { type LogProblem, type VerifyReport, verifyLog } from './verify.ts';
