/** A connection as a stream of MQTT bytes, whatever carries them. */
export interface Link {
  /** Whether all that was written is with the operating system, so that its memory may be used again. */
  readonly isIdle: boolean;
  /** @param bytes - must not change before `isIdle`; if it isn't at once, `onIdle` is called later */
  write(bytes: Uint8Array): void;
  /** Closes in order, after what was written. */
  end(): void;
  /** Cuts. */
  destroy(): void;
}

export interface LinkHandler {
  /** Bytes that have come, `chunk[start, end)`; they hold until it returns. */
  onChunk(chunk: Uint8Array, start: number, end: number): void;
  onIdle(): void;
  /** Called once. */
  onClose(error: Error | null): void;
}
