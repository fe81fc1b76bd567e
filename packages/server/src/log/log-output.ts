import { Writable } from 'node:stream';
import { openLogFile, type Rotation } from './file-output.ts';

/** Where lines go. */
export interface LogPlace {
  /** Null is standard output. */
  readonly file: string | null;
  readonly rotation: Rotation;
}

/** Where the log goes, which can change while it is in use. */
export class LogOutput extends Writable {
  readonly #onError: (error: Error) => void;
  #place: LogPlace;
  #target: NodeJS.WritableStream;

  /**
   * @param onError - told when lines can't be written any more
   * @throws the system's error when the file can't be opened
   */
  constructor(place: LogPlace, onError: (error: Error) => void) {
    super({ decodeStrings: false });
    this.#onError = onError;
    this.#place = copyOf(place);
    this.#target = this.#open(place);
  }

  get isTerminal(): boolean {
    return this.#place.file === null && process.stdout.isTTY === true;
  }

  /**
   * Has lines go elsewhere from now on; does nothing when the place is the same.
   *
   * @throws the system's error when the file can't be opened; lines then go where they went
   */
  moveTo(place: LogPlace): void {
    if (JSON.stringify(copyOf(place)) === JSON.stringify(this.#place)) return;
    const target = this.#open(place);
    this.#endFile();
    this.#target = target;
    this.#place = copyOf(place);
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#target.write(chunk);
    done();
  }

  override _final(done: () => void): void {
    this.#endFile();
    done();
  }

  #open({ file, rotation }: LogPlace): NodeJS.WritableStream {
    return file === null ? process.stdout : openLogFile(file, rotation, this.#onError);
  }

  #endFile(): void {
    if (this.#place.file !== null) this.#target.end();
  }
}

/** The configuration's object changes in place at a reload: what is compared has to be another. */
function copyOf({ file, rotation }: LogPlace): LogPlace {
  return { file, rotation: { ...rotation } };
}
