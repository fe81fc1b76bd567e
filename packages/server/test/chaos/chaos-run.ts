import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '@promptmq/wal/testing';
import { ChaosClient } from './chaos-client.ts';
import { ChaosLedger, type Verdict } from './chaos-ledger.ts';
import type { ChaosSystem, Fault } from './chaos-system.ts';

export interface ChaosOptions {
  readonly system: ChaosSystem;
  readonly seed: number;
  /** Faults after which it ends. */
  readonly faults: number;
  /** Seconds after which no more faults come. */
  readonly seconds?: number;
  /** Only those of these names; all by default. */
  readonly only?: readonly string[];
  readonly publishers?: number;
  /** With sessions that stay. */
  readonly subscribers?: number;
  /** Messages a second to each topic. */
  readonly rate?: number;
  /** Subscribers that come and go, clean. */
  readonly hasNewcomers?: boolean;
  readonly onProgress?: (report: ChaosReport) => void;
  /** Something goes wrong from now on. @param lastsMs - for how long */
  readonly onFault?: (name: string, lastsMs: number) => void;
}

export interface ChaosReport {
  readonly system: string;
  readonly seed: number;
  readonly verdict: Verdict;
  /** How many began, by name. */
  readonly faults: Record<string, number>;
  /** Milliseconds from the loss of a connection until the client was served again, by what was wrong when it was lost. */
  readonly waits: Record<string, number[]>;
  /** Milliseconds from sending a message to its acknowledgement. */
  readonly latencies: readonly number[];
  /** The longest time in milliseconds without an acknowledgement while something waited for one, and without a message of QoS 0, by what was wrong last. */
  readonly stallsMs: Record<string, number>;
  readonly silencesMs: Record<string, number>;
  /** The longest time in milliseconds that a message waited for its acknowledgement on one connection, by what was wrong when that came. */
  readonly answersMs: Record<string, number>;
  /** As `ChaosSystem` has it. */
  readonly servedAgainMs: Readonly<Record<string, readonly number[]>>;
  /** Publishers whose messages were not acknowledged in the end. */
  stuck: number;
  judged: number;
  newcomers: number;
  takeovers: number;
  seconds: number;
}

/** Messages that a publisher has under way at once. */
const OUTGOING_MAX = 32;
/** Faults between two times that all is let come to rest, and judged. */
const FAULTS_A_JUDGEMENT = 20;
/** A system that is not well so long after all has been put right never will be. */
const WELL_MS_MAX = 240_000;
/** At rest, nothing has come for so long: longer than any election, detection and back-off. */
const SILENT_MS = 45_000;
/** A client without a packet from its broker for so long looks for another one. */
const PATIENCE_MS = 6_000;
/** After which a connection should be closed whose client has come elsewhere. */
const ZOMBIE_MS = 10_000;
/** How long a newcomer waits for retained messages. */
const RETAINED_MS = 10_000;

/**
 * Clients publish and subscribe while a system is harmed; outside of it is kept what it acknowledged and delivered.
 *
 * @throws {Error} when a part of the system ends by itself, or the system doesn't get well again
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const run = new ChaosRun(options);
  try {
    await options.system.start();
    return await run.run();
  } finally {
    run.close();
    await options.system.stop();
  }
}

class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #random: Random;
  readonly #startedAt = performance.now();
  readonly #ledger = new ChaosLedger(() => performance.now() - this.#startedAt);
  readonly #publishers: ChaosClient[] = [];
  readonly #subscribers: ChaosClient[] = [];
  readonly #newcomers = new Set<ChaosClient>();
  readonly #others: ChaosClient[] = [];
  /** When the last acknowledgement and the last message of QoS 0 came, and since when there has to be some. */
  #acknowledgedMs = 0;
  #pulseMs = 0;
  #livingSinceMs = 0;
  readonly #topics: { topic: string; qos: 1 | 2; retain: boolean; publisher: ChaosClient }[] = [];
  /** What was wrong when a client lost its connection. */
  readonly #lostDuring = new Map<ChaosClient, string>();
  readonly #timers: NodeJS.Timeout[] = [];
  /** Faults that aren't put right yet. */
  readonly #repairs = new Set<Promise<void>>();
  #isPublishing = false;
  #isRestless = false;
  #isClosed = false;
  #fault = 'none';
  #failure: unknown = null;
  readonly report: ChaosReport;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.report = {
      system: options.system.name,
      seed: options.seed,
      verdict: this.#ledger.verdict,
      faults: {},
      waits: {},
      latencies: this.#ledger.latencies,
      stallsMs: {},
      silencesMs: {},
      answersMs: {},
      servedAgainMs: options.system.servedAgainMs ?? {},
      stuck: 0,
      judged: 0,
      newcomers: 0,
      takeovers: 0,
      seconds: 0,
    };
  }

  async run(): Promise<ChaosReport> {
    const { faults, seconds = Number.POSITIVE_INFINITY } = this.#options;
    await this.#addSubscribers();
    this.#addPublishers();
    this.#live();
    await sleep(2_000);
    let count = 0;
    while (count < faults && performance.now() - this.#startedAt < seconds * 1_000) {
      if (await this.#harm()) count++;
      this.#look();
      if (count % FAULTS_A_JUDGEMENT === FAULTS_A_JUDGEMENT - 1) {
        await this.#judge();
        this.#live();
        count++;
      }
    }
    await this.#judge();
    return this.report;
  }

  close(): void {
    this.#isRestless = false;
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    const clients = [this.#publishers, this.#subscribers, [...this.#newcomers], this.#others];
    for (const client of clients.flat()) client.leave('cut');
  }

  // ------------------------------------------------------------------------ faults

  async #harm(): Promise<boolean> {
    const { system, only } = this.#options;
    const faults = system.faults.filter(({ name }) => only?.includes(name) ?? true);
    const fault = pickByWeight(faults, this.#random);
    if (fault.needsWell === true) await this.#untilWell();
    const repair = await fault.begin(this.#random);
    if (repair === null) {
      await sleep(100);
      return false;
    }
    this.#fault = fault.name;
    this.report.faults[fault.name] = (this.report.faults[fault.name] ?? 0) + 1;
    const [least, most] = fault.lastsMs;
    const lastsMs = least + this.#random.next() * (most - least);
    this.#options.onFault?.(fault.name, lastsMs);
    const repaired = sleep(lastsMs)
      .then(repair)
      .catch((error) => {
        this.#failure ??= error;
      })
      .finally(() => this.#repairs.delete(repaired));
    this.#repairs.add(repaired);
    // Sometimes the next one comes while this one lasts.
    if (fault.needsWell === true || this.#random.chance(0.8)) await this.#untilWell();
    else await sleep(this.#random.next() * lastsMs);
    await sleep(this.#random.next() * 2_000);
    return true;
  }

  async #untilWell(): Promise<void> {
    await Promise.all(this.#repairs);
    this.#look();
    const giveUp = new AbortController();
    const late = sleep(WELL_MS_MAX, 'late', { signal: giveUp.signal }).catch(() => {});
    try {
      const outcome = await Promise.race([this.#options.system.untilWell(giveUp.signal), late]);
      if (outcome === 'late')
        throw new Error(`it is not well ${WELL_MS_MAX / 1000} s after ${this.#fault}`);
    } finally {
      giveUp.abort();
    }
  }

  #look(): void {
    this.report.seconds = Math.round((performance.now() - this.#startedAt) / 1_000);
    this.#options.onProgress?.(this.report);
    if (this.#failure !== null) throw this.#failure;
    const ended = this.#options.system.whatEnded();
    if (ended !== null) throw new Error(ended);
  }

  // --------------------------------------------------------------------- judgement

  /** Everything comes to rest, and what has not come by then is lost. */
  async #judge(): Promise<void> {
    this.#isRestless = false;
    this.#isPublishing = false;
    await this.#untilWell();
    this.#fault = 'none';
    for (const client of this.#subscribers) client.start();
    if (!(await this.#isAtRest())) {
      // What is sent again only to who comes back is late, not lost.
      for (const client of this.#subscribers) {
        client.leave('cut');
        client.start();
      }
      await this.#isAtRest();
    }
    this.#ledger.judge();
    for (const client of this.#publishers) {
      if (client.outgoingCount > 0) this.#noteStuck(`${client.clientId}: was not answered`);
    }
    for (const client of this.#subscribers) {
      if (!client.isServed) this.#noteStuck(`${client.clientId}: was not served`);
    }
    this.report.judged++;
    this.#look();
  }

  /** @returns whether nobody waits for anything; false when nothing has come for long, though somebody does */
  async #isAtRest(): Promise<boolean> {
    let last = '';
    let lastMs = performance.now();
    while (performance.now() - lastMs < SILENT_MS) {
      const outgoing = this.#publishers.reduce((sum, client) => sum + client.outgoingCount, 0);
      const away = this.#subscribers.filter((client) => !client.isServed).length;
      const owed = this.#ledger.owedCount();
      if (outgoing + owed + away === 0) return true;
      const now = `${outgoing} ${away} ${owed} ${this.#ledger.verdict.delivered}`;
      if (now !== last) lastMs = performance.now();
      last = now;
      await sleep(50);
      this.#look();
    }
    return false;
  }

  #noteStuck(detail: string): void {
    this.report.stuck++;
    this.#ledger.verdict.details.push(detail);
  }

  // ----------------------------------------------------------------------- clients

  async #addSubscribers(): Promise<void> {
    const { subscribers = 6, system } = this.#options;
    for (let index = 0; index < subscribers; index++) {
      const name = `sub-${index}`;
      this.#ledger.addSubscriber(name);
      const client = this.#client(name, index, {
        onMessage: (topic, payload) => this.#ledger.receive(name, topic, Number(payload)),
      });
      this.#subscribers.push(client);
      client.start();
    }
    for (const client of this.#subscribers) {
      for (const filter of ['t/#', 'r/#']) {
        while (!(await client.subscribe(filter, system.maximumQoS))) await sleep(100);
      }
    }
  }

  #addPublishers(): void {
    const { publishers = 4, system, rate = 10 } = this.#options;
    for (let index = 0; index < publishers; index++) {
      const publisher = this.#client(`pub-${index}`, index, {
        onAcknowledged: (topic, payload, waitedMs) => {
          const { answersMs } = this.report;
          answersMs[this.#fault] = Math.max(answersMs[this.#fault] ?? 0, Math.round(waitedMs));
          this.#ledger.acknowledge(topic, Number(payload));
          this.#acknowledgedMs = this.#longest(this.report.stallsMs, this.#acknowledgedMs);
        },
        onRefused: (topic, payload) => this.#ledger.refuse(topic, Number(payload)),
      });
      this.#publishers.push(publisher);
      const add = (topic: string, qos: 1 | 2, retain: boolean) => {
        this.#ledger.addTopic(topic, qos);
        this.#topics.push({ topic, qos, retain, publisher });
      };
      add(`t/${index}/1`, 1, false);
      if (system.maximumQoS === 2) add(`t/${index}/2`, 2, false);
      add(`r/${index}`, 1, true);
      publisher.start();
    }
    this.#every(1_000 / rate, () => this.#publishOnce());
    this.#every(500, () => this.#comeAndGo());
    this.#addPulse();
    if (this.#options.hasNewcomers !== false) {
      this.#every(500, () => {
        if (this.#isRestless && this.#newcomers.size < 4) this.#visit();
      });
    }
  }

  /** A message of QoS 0 ten times a second, which somebody gets as long as one broker serves both. */
  #addPulse(): void {
    const receivers = [0, 1, 2].map((index) => {
      const receiver: ChaosClient = this.#client(`pulse-${index}`, index, {
        isClean: true,
        onServed: () => void receiver.subscribe('p', 0),
        onMessage: () => {
          this.#pulseMs = this.#longest(this.report.silencesMs, this.#pulseMs);
        },
      });
      return receiver;
    });
    const senders = [0, 1, 2].map((index) =>
      this.#client(`beat-${index}`, index, { isClean: true }),
    );
    for (const client of [...receivers, ...senders]) {
      this.#others.push(client);
      client.start();
    }
    this.#every(100, () => {
      for (const sender of senders) sender.publish('p', '', 0);
    });
  }

  /** Keeps the time since the last one, if it is the longest for what is wrong. @returns now */
  #longest(times: Record<string, number>, lastMs: number): number {
    const nowMs = performance.now();
    const wasIdle = !this.#isPublishing || lastMs < this.#livingSinceMs;
    if (!wasIdle)
      times[this.#fault] = Math.max(times[this.#fault] ?? 0, Math.round(nowMs - lastMs));
    return nowMs;
  }

  #live(): void {
    this.#livingSinceMs = performance.now();
    this.#isPublishing = true;
    this.#isRestless = true;
  }

  #publishOnce(): void {
    if (!this.#isPublishing) return;
    for (const { topic, qos, retain, publisher } of this.#topics) {
      if (publisher.outgoingCount >= OUTGOING_MAX) continue;
      publisher.publish(topic, `${this.#ledger.send(topic)}`, qos, retain);
    }
  }

  /** Clients leave for a while, are cut off, and come to other brokers. */
  #comeAndGo(): void {
    if (!this.#isRestless) return;
    for (const client of this.#subscribers) {
      const what = this.#random.next();
      if (what < 0.03) {
        client.leave(what < 0.015 ? 'cut' : 'disconnect');
        const comeBack = () => {
          if (!this.#isClosed) client.start();
        };
        setTimeout(comeBack, this.#random.next() * 5_000).unref();
      } else if (what < 0.06) this.#takeOver(client);
    }
    for (const client of this.#publishers) if (this.#random.chance(0.02)) this.#takeOver(client);
  }

  #takeOver(client: ChaosClient): void {
    if (!client.isServed) return;
    this.report.takeovers++;
    client.takeOver(ZOMBIE_MS, () => {
      // One that is held by a process that is stopped, or cut off, can't be closed.
      if (this.#repairs.size > 0) return;
      this.#ledger.note('zombies', `${client.clientId}: two connections`);
    });
  }

  /** A clean subscriber comes to a broker and looks: for what is retained, and for each message since its SUBACK. */
  #visit(): void {
    const { topic, retain } = this.#random.pick(this.#topics);
    const name = `new-${this.report.newcomers++}`;
    const retained = retain ? this.#ledger.acknowledgedUpTo(topic) : -1;
    let next = -1;
    let isFirst = true;
    let askedMs = 0;
    const client = this.#client(name, this.report.newcomers, {
      isClean: true,
      onMessage: (_, payload) => {
        const number = Number(payload);
        if (isFirst && number < retained) {
          const what = `${topic} ${number}, though ${retained} was acknowledged`;
          this.#ledger.noteStale(`${name}: ${what}`, performance.now() - askedMs);
        }
        isFirst = false;
        if (next >= 0 && number > next) {
          const what = `${topic} ${number} after SUBACK, though ${next} was sent after it, too`;
          this.#ledger.note('missedLive', `${name}: ${what}`);
        }
        if (next >= 0 && number >= next) next = number + 1;
      },
      onServed: async () => {
        askedMs = performance.now();
        if (!(await client.subscribe(topic, 1))) {
          leave();
          return;
        }
        const waitedMs = performance.now() - askedMs;
        next = this.#ledger.sentCount(topic);
        setTimeout(leave, 2_000 + this.#random.next() * 4_000).unref();
        if (retained < 0) return;
        await sleep(RETAINED_MS, undefined, { ref: false });
        if (isFirst && client.isServed) {
          this.#ledger.noteStale(`${name}: nothing of ${topic}, ${retained}`, waitedMs);
        }
        leave();
      },
      onLost: () => leave(),
    });
    const leave = () => {
      if (isFirst && retained >= 0 && client.isServed) return;
      client.leave('disconnect');
      this.#newcomers.delete(client);
    };
    this.#newcomers.add(client);
    client.start();
  }

  #client(
    clientId: string,
    index: number,
    handlers: Partial<ConstructorParameters<typeof ChaosClient>[0]>,
  ): ChaosClient {
    const { system } = this.#options;
    const lossName = clientId.startsWith('pub') ? 'publishersSessionsLost' : 'sessionsLost';
    const client: ChaosClient = new ChaosClient({
      clientId,
      version: system.versions[index % system.versions.length] as 4 | 5,
      patienceMs: PATIENCE_MS,
      pickPort: () => this.#random.pick(system.ports),
      onSessionLost: () => this.#ledger.note(lossName, `${clientId}: its session is gone`),
      onLost: () => this.#lostDuring.set(client, this.#fault),
      onServed: (waitedMs) => {
        if (waitedMs === 0) return;
        const during = this.#lostDuring.get(client) ?? 'none';
        const waits = this.report.waits[during] ?? [];
        this.report.waits[during] = waits;
        waits.push(Math.round(waitedMs));
      },
      ...handlers,
    });
    return client;
  }

  #every(ms: number, act: () => void): void {
    this.#timers.push(setInterval(act, ms));
  }
}

function pickByWeight(faults: readonly Fault[], random: Random): Fault {
  let at = random.next() * faults.reduce((sum, { weight }) => sum + weight, 0);
  for (const fault of faults) {
    at -= fault.weight;
    if (at < 0) return fault;
  }
  return faults.at(-1) as Fault;
}
