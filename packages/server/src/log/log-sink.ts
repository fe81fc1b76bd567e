/** Called when a line is with the operating system, or with why it isn't. */
export type OnWritten = (error: Error | null | undefined) => void;

/** What takes the lines of the log, in order, without ever blocking. */
export interface LogSink {
  /** @param onWritten - called once, later than this returns */
  write(line: Buffer, onWritten: OnWritten): void;
  /** No more lines come; what was written before still goes where it was to go. */
  close(): void;
}
