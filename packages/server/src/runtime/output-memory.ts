import { MemoryAccount, type MemoryLimits } from '@promptmq/session';
import { SharedBuffers } from './shared-buffers.ts';

/**
 * What waits for all clients to be taken: gathering buffers with the space that is free in them, and payloads that
 * travel by reference, each once for all who wait for it.
 */
export class OutputMemory extends MemoryAccount {
  readonly #shared: SharedBuffers;

  constructor(limits: MemoryLimits) {
    super(limits);
    this.#shared = new SharedBuffers();
  }

  /** What of it travels by reference; counted for tests. */
  get sharedBytes(): number {
    return this.#shared.bytes;
  }

  holdShared(bytes: Uint8Array): void {
    this.bytes += this.#shared.hold(bytes);
  }

  releaseShared(bytes: Uint8Array): void {
    this.bytes -= this.#shared.release(bytes);
  }

  /** Whether a client for which `pending` bytes wait may be owed these, too, when memory runs short. */
  hasRoomForShared(pending: number, bytes: Uint8Array): boolean {
    const { allowance } = this;
    if (allowance === this.clientMax || this.#shared.has(bytes)) return true;
    return pending + bytes.length <= allowance;
  }
}
