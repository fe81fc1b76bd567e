import { cpus } from 'node:os';
import { Histogram } from '../report/histogram.ts';
import type { Scenario } from '../scenario.ts';
import { nowMicros } from './clock.ts';
import type { Lane } from './lane.ts';
import type { Publisher } from './publisher.ts';

/** How long a lane may stand still at QoS 0 before what is under way counts as lost. */
const STALL_MS = 1000;

/** Where the generator has no core to itself, it sleeps between messages instead of spinning. */
const canSpin = cpus().length > 1;

/**
 * Decides when each publisher sends: as fast as possible, or at a fixed rate. At a fixed rate, message
 * number n is meant for `n / rate` after the start and is stamped with that time, however late it is
 * sent: so a broker that holds up the generator doesn't hide what the waiting messages suffer.
 */
export class Flow {
  /** Fixed rate: by how many microseconds the generator itself was late. */
  readonly lateness: Histogram | null;
  readonly drainSeconds: number;
  readonly #lanes: readonly Lane[];
  readonly #publishers: readonly Publisher[];
  readonly #isQos0: boolean;
  readonly #stepMicros: number;
  /** Between `start` and `stop`. */
  isSending = false;
  #startMicros = 0;
  #dueCount = 0;
  #waiting: Publisher[] = [];
  #watchdog: NodeJS.Timeout | null = null;

  constructor(scenario: Scenario, lanes: readonly Lane[]) {
    this.#lanes = lanes;
    this.#publishers = lanes.flatMap(({ publishers }) => publishers);
    this.#publishers.forEach((publisher, turn) => {
      publisher.turn = turn;
    });
    this.drainSeconds = scenario.drainSeconds;
    this.#isQos0 = scenario.qos === 0;
    const { ratePerSecond } = scenario;
    this.#stepMicros = ratePerSecond === null ? 0 : 1_000_000 / ratePerSecond;
    this.lateness = ratePerSecond === null ? null : new Histogram();
  }

  start(): void {
    this.isSending = true;
    this.#watchdog = setInterval(() => this.#watch(), STALL_MS);
    if (this.lateness === null) {
      for (const lane of this.#lanes) this.#fill(lane);
      return;
    }
    this.#startMicros = nowMicros();
    this.#pump();
  }

  stop(): void {
    this.isSending = false;
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
  }

  /** Deliveries have come on a lane. */
  onReceived(lane: Lane): void {
    if (this.isSending && this.#isQos0 && this.lateness === null) lane.refill(nowMicros());
  }

  /** A publisher may send again: its connection took everything, or messages were acknowledged. */
  onReady(publisher: Publisher): void {
    if (!this.isSending || this.lateness !== null) return;
    if (this.#isQos0) publisher.lane.refill(nowMicros());
    else this.#sendWindow(publisher);
  }

  #fill(lane: Lane): void {
    if (this.#isQos0) lane.refill(nowMicros());
    else for (const publisher of lane.publishers) this.#sendWindow(publisher);
  }

  #sendWindow(publisher: Publisher): void {
    const { allowance } = publisher;
    if (allowance > 0) publisher.send(allowance, nowMicros(), 0);
  }

  #watch(): void {
    if (!this.#isQos0) return;
    for (const lane of this.#lanes) {
      lane.writeOff();
      if (this.lateness === null) lane.refill(nowMicros());
    }
  }

  /** Fixed rate: sends what is due, and comes back. */
  #pump(): void {
    if (!this.isSending) return;
    const now = nowMicros();
    const due = Math.floor((now - this.#startMicros) / this.#stepMicros) + 1;
    const count = this.#publishers.length;
    for (; this.#dueCount < due; this.#dueCount++) {
      const publisher = this.#publishers[this.#dueCount % count] as Publisher;
      this.lateness?.record(now - this.#intended(this.#dueCount));
      if (publisher.due === publisher.dueSent) this.#waiting.push(publisher);
      publisher.due++;
    }
    if (this.#waiting.length > 0) {
      this.#waiting = this.#waiting.filter((publisher) => this.#sendDue(publisher));
    }
    if (canSpin) setImmediate(() => this.#pump());
    else setTimeout(() => this.#pump(), 1);
  }

  /** Returns whether some of what is due is left. */
  #sendDue(publisher: Publisher): boolean {
    if (publisher.quota === 0) {
      publisher.dueSent = publisher.due;
      return false;
    }
    const credit = this.#isQos0 ? publisher.lane.credit : publisher.allowance;
    const count = Math.min(publisher.due - publisher.dueSent, credit, publisher.allowance);
    if (count > 0) {
      // Each publisher's turn comes once a round.
      const round = this.#publishers.length;
      const first = this.#intended(publisher.turn + publisher.dueSent * round);
      publisher.dueSent += publisher.send(count, first, this.#stepMicros * round);
    }
    return publisher.dueSent < publisher.due;
  }

  #intended(messageIndex: number): number {
    return this.#startMicros + messageIndex * this.#stepMicros;
  }
}
