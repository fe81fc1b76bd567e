/**
 * A kit for tests of what stands on a log: files in memory that fail, fill up and crash, an index and a replica in memory, and what a
 * log that was opened after a crash has to hold.
 */
export { FaultyFiles, type Survival, systemError } from './faulty-files.ts';
export { Ledger } from './ledger.ts';
export { MemoryIndex } from './memory-index.ts';
export { MemoryReplica } from './memory-replica.ts';
export { Random } from './random.ts';
