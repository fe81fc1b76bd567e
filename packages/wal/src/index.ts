export type { CommitListener } from './batch-builder.ts';
export {
  type Checkpoint,
  type CheckpointChange,
  type CheckpointEntry,
  type CheckpointStore,
  NoIndex,
} from './checkpoint-store.ts';
export { type Clock, nodeClock } from './clock.ts';
export type { LogEvent, LogEventListener } from './events.ts';
export type { Files, OpenFile } from './files.ts';
export type { LogRecord } from './format.ts';
export { LmdbIndex } from './lmdb-index.ts';
export { Log, type LogOptions, type LogOwner, type SyncMode, type SyncOptions } from './log.ts';
export { LogError, type LogErrorCode } from './log-error.ts';
export { nodeFiles } from './node-files.ts';
export type { CorruptionPolicy } from './recovery.ts';
export type { Segment } from './segment.ts';
export type { LogStats } from './stats.ts';
