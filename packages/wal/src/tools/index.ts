/** Looks at a log without opening it, copies it while it is in use, mends it, and makes one of what a replica has. */
export { type BackupReport, backupLog } from './backup.ts';
export { type DumpedRecord, type DumpOptions, dumpLog } from './dump.ts';
export { type InspectionOptions, identifyLog, whyIndexIsForeign } from './inspection.ts';
export { LogCopy, type LogCopyReport } from './log-copy.ts';
export { type RepairReport, repairLog } from './repair.ts';
export { type LogStat, type SegmentStat, statLog } from './stat.ts';
export { type LogProblem, type VerifyReport, verifyLog } from './verify.ts';
