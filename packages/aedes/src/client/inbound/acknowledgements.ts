interface Waiting {
  readonly bytes: Buffer;
  isReady: boolean;
}

/** Answers to messages of a client, which leave in the order in which they were due (§4.6), each when it is ready. */
export class Acknowledgements {
  readonly #send: (bytes: Buffer) => void;
  readonly #waiting: Waiting[];

  constructor(send: (bytes: Buffer) => void) {
    this.#send = send;
    this.#waiting = [];
  }

  /** @returns what is to be called when it may leave */
  add(bytes: Buffer): () => void {
    const waiting = { bytes, isReady: false };
    this.#waiting.push(waiting);
    return () => {
      waiting.isReady = true;
      while (this.#waiting[0]?.isReady) this.#send((this.#waiting.shift() as Waiting).bytes);
    };
  }
}
