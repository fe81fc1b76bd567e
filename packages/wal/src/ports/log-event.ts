/** Something about a log that its operator may want to know. */
export type LogEvent =
  /** Bytes that were being written when the process or the machine stopped were cut off. */
  | {
      readonly type: 'torn-tail';
      readonly file: string;
      readonly offset: number;
      readonly bytes: number;
    }
  /** A stretch that can't be read was set aside; the records in it are lost. */
  | {
      readonly type: 'quarantined';
      readonly file: string;
      readonly offset: number;
      readonly bytes: number;
      /** Where the bytes have been copied to; null when there were none to copy. */
      readonly copy: string | null;
    }
  /** Checking the log at the start, before its records are read: how far it is. */
  | { readonly type: 'checking'; readonly position: number; readonly end: number }
  /** Reading the log at the start: how far it is. */
  | {
      readonly type: 'recovering';
      readonly position: number;
      readonly end: number;
      readonly records: number;
    }
  /** The index could not be read, or is of another log: it is made again from the segments. */
  | { readonly type: 'index-rebuilt'; readonly why: string }
  /** A checkpoint was being written when the last process ended, and left neither index whole: it is made again from the segments. */
  | { readonly type: 'index-unfinished'; readonly file: string }
  /** The disk is full: appends are refused. */
  | { readonly type: 'full'; readonly why: string }
  /** There is room again. */
  | { readonly type: 'has-room' }
  /** Writing or syncing failed: the log has ended. */
  | { readonly type: 'failed'; readonly why: string }
  /** How far compaction is with the segments that it has chosen. */
  | {
      readonly type: 'compacting';
      readonly doneBytes: number;
      readonly totalBytes: number;
      readonly movedRecords: number;
      readonly movedBytes: number;
    }
  | {
      readonly type: 'compacted';
      readonly removedSegments: number;
      readonly removedBytes: number;
      readonly movedRecords: number;
      readonly movedBytes: number;
    }
  | { readonly type: 'compaction-failed'; readonly why: string }
  | { readonly type: 'checkpoint-failed'; readonly why: string };

export type LogEventListener = (event: LogEvent) => void;
