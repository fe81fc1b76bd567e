import { MemoryAccount } from '@promptmq/session';
import type { Config } from './config/index.ts';
import { OutputMemory } from './output-memory.ts';

/**
 * What clients make a broker hold, by kind: each has an account with a limit for one client and one for all.
 * docs/operations.md says what happens when one is reached.
 */
export class MemoryLedger {
  /** What waits to be taken by clients. */
  readonly output: OutputMemory;
  /** What came of packets that are not whole yet. */
  readonly input: MemoryAccount;

  /** All of them, by kind. */
  get accounts(): Record<string, MemoryAccount> {
    const { output, input } = this;
    return { output, input };
  }

  constructor({ mqtt }: Config) {
    // Limits are read from the configuration whenever they are asked: a reload changes them in place.
    this.output = new OutputMemory({
      get clientMax() {
        return mqtt.maxOutputBuffer;
      },
      get max() {
        return mqtt.maxOutputTotal;
      },
    });
    this.input = new MemoryAccount({
      get clientMax() {
        return mqtt.maxPacketSize;
      },
      get max() {
        return mqtt.maxInputTotal;
      },
    });
  }
}
