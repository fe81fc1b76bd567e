import { MemoryAccount, type MemoryLimits } from '@promptmq/session';
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
  /** Retained messages that new subscriptions are owed, as far as they are not in memory anyhow. */
  readonly replays: MemoryAccount;
  readonly subscriptions: MemoryAccount;
  readonly wills: MemoryAccount;
  /** Topics that have an alias on a connection. */
  readonly aliases: MemoryAccount;
  /** Routes of the topics that were published to last. */
  readonly topics: MemoryAccount;

  constructor({ mqtt }: Config) {
    this.output = new OutputMemory(
      limits(
        () => mqtt.maxOutputBuffer,
        () => mqtt.maxOutputTotal,
      ),
    );
    this.input = account(
      () => mqtt.maxPacketSize,
      () => mqtt.maxInputTotal,
    );
    this.replays = account(
      () => mqtt.maxReplayBytes,
      () => mqtt.maxReplayBytesTotal,
    );
    this.subscriptions = account(
      () => mqtt.maxSubscriptionBytes,
      () => mqtt.maxSubscriptionBytesTotal,
    );
    this.wills = account(
      () => mqtt.maxWillSize,
      () => mqtt.maxWillBytesTotal,
    );
    this.aliases = account(() => mqtt.maxAliasBytesTotal);
    this.topics = account(() => mqtt.maxTopicCache);
  }

  /** All of them, by kind. */
  get accounts(): Record<string, MemoryAccount> {
    const { output, input, replays, subscriptions, wills, aliases, topics } = this;
    return { output, input, replays, subscriptions, wills, aliases, topics };
  }
}

function account(clientMax: () => number, max?: () => number): MemoryAccount {
  return new MemoryAccount(limits(clientMax, max));
}

/** Limits are read from the configuration whenever they are asked: a reload changes them in place. */
function limits(clientMax: () => number, max: () => number = clientMax): MemoryLimits {
  return {
    get clientMax() {
      return clientMax();
    },
    get max() {
      return max();
    },
  };
}
