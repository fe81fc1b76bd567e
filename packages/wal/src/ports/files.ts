/**
 * The file operations that the log needs, as an interface, so that tests can bring files that fail,
 * tear, forget and fill up. `nodeFiles` is the real one.
 *
 * Errors are those of Node: with a `code` such as `ENOSPC`, `EIO` or `ENOENT`.
 */
export interface Files {
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, in no order. */
  list(directory: string): Promise<string[]>;
  /** Opens a file; `create` empties one that is there. */
  open(path: string, mode: 'create' | 'write' | 'read'): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Keeps other processes out of a directory until the returned function is called or the process ends.
   *
   * @throws {LogError} `locked`, naming the holder
   */
  lock(directory: string): Promise<() => Promise<void>>;
}

export interface OpenFile {
  size(): Promise<number>;
  /** Reads into the whole of `target`; fewer bytes than asked for only at the end of the file. */
  read(target: Uint8Array, offset: number): Promise<number>;
  /** Writes all of `bytes`: a short write continues where it ended. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Makes the file's data durable, and what of its metadata is needed to read it back. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
