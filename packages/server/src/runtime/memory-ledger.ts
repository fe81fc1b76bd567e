import { MemoryAccount, type MemoryLimits } from '@promptmq/session';
import type { Config } from '../config/index.ts';
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
  /** What was sent at QoS 1 and 2 and is not acknowledged. */
  readonly inflight: MemoryAccount;
  /** Retained messages that new subscriptions are owed, as far as they are not in memory anyhow. */
  readonly replays: MemoryAccount;
  readonly subscriptions: MemoryAccount;
  readonly wills: MemoryAccount;
  /** Topics that have an alias on a connection. */
  readonly aliases: MemoryAccount;
  /** Routes of the topics that were published to last. */
  readonly topics: MemoryAccount;
  /** Events that wait for the end of the turn, where somebody listens for them. */
  readonly events: MemoryAccount;

  constructor(config: Config) {
    const limits = limitsOf(config);
    this.output = new OutputMemory(limits.output);
    this.input = new MemoryAccount(limits.input);
    this.inflight = new MemoryAccount(limits.inflight);
    this.replays = new MemoryAccount(limits.replays);
    this.subscriptions = new MemoryAccount(limits.subscriptions);
    this.wills = new MemoryAccount(limits.wills);
    this.aliases = new MemoryAccount(limits.aliases);
    this.topics = new MemoryAccount(limits.topics);
    this.events = new MemoryAccount(limits.events);
  }

  /** The configuration was changed. */
  reconfigure(config: Config): void {
    const limits = limitsOf(config);
    for (const [kind, account] of Object.entries(this.accounts)) {
      account.setLimits(limits[kind as keyof typeof limits]);
    }
  }

  /** All of them, by kind. */
  get accounts() {
    const { output, input, inflight, replays, subscriptions, wills, aliases, topics } = this;
    const { events } = this;
    return { output, input, inflight, replays, subscriptions, wills, aliases, topics, events };
  }
}

function limitsOf({ mqtt }: Config) {
  const ofAll = (max: number): MemoryLimits => ({ clientMax: max, max });
  return {
    output: { clientMax: mqtt.maxOutputBuffer, max: mqtt.maxOutputTotal },
    input: { clientMax: mqtt.maxPacketSize, max: mqtt.maxInputTotal },
    inflight: { clientMax: mqtt.maxInflightBytes, max: mqtt.maxInflightBytesTotal },
    replays: { clientMax: mqtt.maxReplayBytes, max: mqtt.maxReplayBytesTotal },
    subscriptions: { clientMax: mqtt.maxSubscriptionBytes, max: mqtt.maxSubscriptionBytesTotal },
    wills: { clientMax: mqtt.maxWillSize, max: mqtt.maxWillBytesTotal },
    aliases: ofAll(mqtt.maxAliasBytesTotal),
    topics: ofAll(mqtt.maxTopicCache),
    events: ofAll(mqtt.maxEventBytes),
  };
}
