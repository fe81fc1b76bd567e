/** What a topic's publisher has sent: message `n` of it is the `n`th, from 0. */
interface TopicRecord {
  sent: number;
  /** By number: milliseconds at which it was first sent, and at which it was acknowledged; -1: not yet. */
  readonly sentMs: number[];
  readonly acknowledgedMs: number[];
  /** Those that the broker refused: nobody is owed them. */
  readonly refused: Set<number>;
  readonly qos: number;
}

/** What a subscriber has got of a topic. */
interface Receipts {
  /** How often, by number. */
  readonly counts: number[];
  highest: number;
}

/** What was wrong, and how much of it. */
export interface Verdict {
  published: number;
  acknowledged: number;
  refused: number;
  delivered: number;
  /** Deliveries of a message that the subscriber had got: allowed at QoS 1. */
  repeated: number;
  /** Acknowledged messages that a subscriber had not got when all had come to rest. */
  lost: number;
  /** Messages of QoS 2 that a subscriber got again. */
  twice: number;
  /** Messages that a subscriber first got after a later one of the topic. */
  outOfOrder: number;
  /** Sessions that were not there any more when their client came back: of subscribers, and of publishers, which subscribe to nothing. */
  sessionsLost: number;
  publishersSessionsLost: number;
  /** Messages that a subscriber who came under way missed, though it was connected all the time. */
  missedLive: number;
  /** Retained messages older than what had been acknowledged before the SUBSCRIBE. */
  staleRetained: number;
  /** The same where SUBACK came only after so long that nobody is promised more. */
  retainedBehind: number;
  /** Connections that were still open some seconds after their client had connected elsewhere. */
  zombies: number;
  /** Deliveries of what was never sent. */
  unknown: number;
  /** The first of what is wrong, in words. */
  readonly details: string[];
}

/** A cluster waits so long for a cell that is away (`cluster.subscribe-patience`), and says then what it has. */
const SUBSCRIBE_PATIENCE_MS = 5_000;

/** What is kept of what is wrong, in words. */
const DETAILS_MAX = 30;

/** What makes a verdict a bad one. */
export const WRONGS = [
  'lost',
  'twice',
  'outOfOrder',
  'sessionsLost',
  'publishersSessionsLost',
  'missedLive',
  'staleRetained',
  'zombies',
  'unknown',
] as const satisfies readonly (keyof Verdict)[];

/** What others than the ledger notice. */
export type Noted = 'sessionsLost' | 'publishersSessionsLost' | 'missedLive' | 'zombies';

/** Remembers outside of the brokers what they acknowledged and delivered, and counts what is wrong. It does no I/O. */
export class ChaosLedger {
  readonly #topics = new Map<string, TopicRecord>();
  /** By subscriber, then topic. */
  readonly #receipts = new Map<string, Map<string, Receipts>>();
  readonly #lost = new Set<string>();
  readonly verdict: Verdict = {
    published: 0,
    acknowledged: 0,
    refused: 0,
    delivered: 0,
    repeated: 0,
    lost: 0,
    twice: 0,
    outOfOrder: 0,
    sessionsLost: 0,
    publishersSessionsLost: 0,
    missedLive: 0,
    staleRetained: 0,
    retainedBehind: 0,
    zombies: 0,
    unknown: 0,
    details: [],
  };
  readonly #now: () => number;
  /** Milliseconds from first sending to the acknowledgement. */
  readonly latencies: number[] = [];

  /** @param now - milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Everything that is published to the topic from now on is owed to whoever subscribed to it for good. */
  addTopic(topic: string, qos: number): void {
    this.#topics.set(topic, {
      sent: 0,
      sentMs: [],
      acknowledgedMs: [],
      refused: new Set(),
      qos,
    });
  }

  /** Of a subscriber whose session is there before the first message. */
  addSubscriber(name: string): void {
    this.#receipts.set(name, new Map());
  }

  /** @returns the number of the message that is sent now */
  send(topic: string): number {
    const record = this.#topic(topic);
    record.sentMs.push(this.#now());
    record.acknowledgedMs.push(-1);
    this.verdict.published++;
    return record.sent++;
  }

  /** How many were sent. */
  sentCount(topic: string): number {
    return this.#topic(topic).sent;
  }

  /** The highest number that was acknowledged; -1 for none. */
  acknowledgedUpTo(topic: string): number {
    const { acknowledgedMs } = this.#topic(topic);
    let number = acknowledgedMs.length - 1;
    while (number >= 0 && (acknowledgedMs[number] as number) < 0) number--;
    return number;
  }

  acknowledge(topic: string, number: number): void {
    const record = this.#topic(topic);
    if ((record.acknowledgedMs[number] as number) >= 0) return;
    record.acknowledgedMs[number] = this.#now();
    this.latencies.push(this.#now() - (record.sentMs[number] as number));
    this.verdict.acknowledged++;
  }

  refuse(topic: string, number: number): void {
    this.#topic(topic).refused.add(number);
    this.verdict.refused++;
  }

  receive(subscriber: string, topic: string, number: number): void {
    const record = this.#topics.get(topic);
    if (record === undefined || !(number < record.sent)) {
      this.#wrong('unknown', `${subscriber}: ${topic} ${number} was never sent`);
      return;
    }
    const receipts = this.#receiptsOf(subscriber, topic);
    const count = (receipts.counts[number] ?? 0) + 1;
    receipts.counts[number] = count;
    this.verdict.delivered++;
    if (count > 1) {
      this.verdict.repeated++;
      if (record.qos === 2) this.#wrong('twice', `${subscriber}: ${topic} ${number} came twice`);
      return;
    }
    if (number < receipts.highest) {
      const after = `after ${receipts.highest}`;
      this.#wrong('outOfOrder', `${subscriber}: ${topic} ${number} came ${after}`);
      return;
    }
    receipts.highest = number;
  }

  /** Something else that is wrong. */
  note(what: Noted, detail: string): void {
    this.#wrong(what, detail);
  }

  /**
   * Somebody who subscribed got an older retained message than was acknowledged before, or none.
   *
   * @param waitedMs - until SUBACK
   */
  noteStale(detail: string, waitedMs: number): void {
    if (waitedMs < SUBSCRIBE_PATIENCE_MS) this.#wrong('staleRetained', detail);
    else this.verdict.retainedBehind++;
  }

  /** How many deliveries of what was acknowledged are outstanding. */
  owedCount(): number {
    let owed = 0;
    for (const _ of this.#owed()) owed++;
    return owed;
  }

  /** Counts what is owed as lost: everything has come to rest. What was counted before isn't counted again. */
  judge(): void {
    for (const { subscriber, topic, number } of this.#owed()) {
      const key = `${subscriber}: ${topic} ${number}`;
      this.#lost.add(key);
      const { sentMs, acknowledgedMs } = this.#topic(topic);
      const at = `sent at ${seconds(sentMs[number])}, acknowledged at ${seconds(acknowledgedMs[number])}`;
      this.#wrong('lost', `${key} was lost (${at})`);
    }
  }

  *#owed(): Iterable<{ subscriber: string; topic: string; number: number }> {
    for (const subscriber of this.#receipts.keys()) {
      for (const [topic, { acknowledgedMs }] of this.#topics) {
        const { counts } = this.#receiptsOf(subscriber, topic);
        for (const [number, ms] of acknowledgedMs.entries()) {
          if (ms < 0 || counts[number] !== undefined) continue;
          if (this.#lost.has(`${subscriber}: ${topic} ${number}`)) continue;
          yield { subscriber, topic, number };
        }
      }
    }
  }

  #topic(topic: string): TopicRecord {
    const record = this.#topics.get(topic);
    if (record === undefined) throw new Error(`nobody publishes to ${topic}`);
    return record;
  }

  #receiptsOf(subscriber: string, topic: string): Receipts {
    const byTopic = this.#receipts.get(subscriber);
    if (byTopic === undefined) throw new Error(`${subscriber} is not known`);
    let receipts = byTopic.get(topic);
    if (receipts === undefined) {
      receipts = { counts: [], highest: -1 };
      byTopic.set(topic, receipts);
    }
    return receipts;
  }

  #wrong(what: (typeof WRONGS)[number], detail: string): void {
    this.verdict[what]++;
    if (this.verdict.details.length < DETAILS_MAX) {
      this.verdict.details.push(`${seconds(this.#now())} ${detail}`);
    }
  }
}

function seconds(ms: number | undefined): string {
  return `${((ms ?? 0) / 1000).toFixed(2)} s`;
}
