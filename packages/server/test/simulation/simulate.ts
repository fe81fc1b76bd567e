import { Random, type Survival } from '@promptmq/wal/testing';
import type { Broker } from '../../src/broker.ts';
import { type Logger, noopLogger } from '../../src/log/index.ts';
import { SimulatedClock } from '../../src/testing/clock/simulated-clock.ts';
import { BrokerTime, LOOK_MS } from '../model/broker-time.ts';
import { Ledger } from '../model/ledger.ts';
import { ModelClient } from '../model/model-client.ts';
import { Violation } from '../model/publication.ts';
import {
  drawAction,
  drawConfig,
  drawPublication,
  drawRoles,
  drawSubscription,
  drawUnsubscription,
  drawWill,
  type Role,
} from '../model/scenario.ts';
import {
  type Disturbances,
  drawDisturbances,
  drawWallClock,
  drawWallMove,
} from './disturbances.ts';
import { InsideWorker } from './inside-worker.ts';
import { flooderRole, heirRole, LongQueue, sleeperRole } from './long-queue.ts';
import { DISK_OPERATIONS, SimulatedHost } from './simulated-host.ts';
import { SimulatedLink } from './simulated-link.ts';
import { SimulatedWallClock } from './simulated-wall-clock.ts';

/** Within this time clients have noticed that the broker is gone. */
const CLIENT_NOTICES_MS = 25;

/** Longer than any will delay and session expiry. */
const REST_MS = 6000;

/** Longer than it takes to deliver a message when nothing breaks. */
const QUIET_MS = 1000;

/** Longest that the steps to a long queue continue when the broker doesn't let them, and the time of one. */
const LONG_QUEUE_MS_MAX = 60_000;
const LONG_QUEUE_STEP_MS = 20;

/** So that what else happens doesn't depend on which disturbances there are. */
const DISTURBANCE_SALT = 0x2f6b_41a7;
const WALL_CLOCK_SALT = 0x5bd1_e995;
const WORKER_SALT = 0x1f12_3bb5;
const HOOK_SALT = 0x3c6e_f372;

/** One seed in so many has a consumer inside of the program, where there is a disk. */
const WORKER_SEEDS = 5;
const WORKER_SEED = 4;

/** One seed in so many has hooks, where there is a disk: without one, no promise is kept. */
const HOOK_SEEDS = 7;
const HOOK_SEED = 5;

/** Of a run that went wrong. */
const TRACE_LINES = 40;

/**
 * After as many events the broker's invariants are checked, and after each where the seed is a multiple of
 * `CHECKED_SEEDS`: a check takes as long as some events.
 */
const CHECKED_EVENTS = 100;
const CHECKED_SEEDS = 200;

export interface SimulationReport {
  readonly events: number;
  readonly crashes: number;
  readonly stops: number;
  readonly outages: number;
  readonly longQueues: number;
  readonly insideWorkers: number;
  readonly slowHooks: number;
  readonly clockMoves: number;
  readonly publications: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly delivered: number;
  readonly repeated: number;
  readonly wills: number;
}

export interface Actor {
  readonly role: Role;
  readonly client: ModelClient;
  link: SimulatedLink | null;
}

/**
 * A whole broker and its clients for some seconds of simulated time, all of it determined by a seed.
 *
 * @throws {Violation} when the broker breaks a promise
 */
export class SimulatedRun {
  readonly #random: Random;
  readonly #clock = new SimulatedClock();
  readonly #wall: SimulatedWallClock;
  readonly #ledger: Ledger;
  readonly #host: SimulatedHost;
  readonly #actors: Actor[];
  readonly #disturbances: Disturbances;
  readonly #disturber: Random;
  /** Sets the clock on the wall. */
  readonly #setter: Random;
  readonly #isClockSet: boolean;
  #longQueue: LongQueue | null = null;
  #worker: InsideWorker | null = null;
  readonly #workerRandom: Random;
  readonly #counts = {
    events: 0,
    crashes: 0,
    stops: 0,
    outages: 0,
    longQueues: 0,
    insideWorkers: 0,
    slowHooks: 0,
    clockMoves: 0,
  };
  /** Of the present process, or the last one: when it began to start, and to serve. */
  #startedMs = 0;
  #servingMs = Number.POSITIVE_INFINITY;
  /** It may be looking at the wall clock just now. */
  #isStarting = false;
  /** Until when clients act, in milliseconds. */
  readonly #actUntil: number;

  /** The broker's invariants are checked after as many events. */
  readonly #checkedEvery: number;

  /** @param isThroughLinks - clients reach the broker through the links of a test broker, to which nothing happens */
  constructor(seed: number, trace: ((line: string) => void) | null = null, isThroughLinks = false) {
    this.#random = new Random(seed);
    // With a trace after each event, so that it ends where something goes wrong.
    const isChecked = trace !== null || seed % CHECKED_SEEDS === 0;
    this.#checkedEvery = isChecked ? 1 : CHECKED_EVENTS;
    const clock = this.#clock;
    this.#disturber = new Random(seed ^ DISTURBANCE_SALT);
    this.#disturbances = drawDisturbances(this.#disturber);
    this.#setter = new Random(seed ^ WALL_CLOCK_SALT);
    this.#workerRandom = new Random(seed ^ WORKER_SALT);
    const { shownMs, rate, isSet } = drawWallClock(this.#setter);
    this.#isClockSet = isSet;
    this.#wall = new SimulatedWallClock(clock, shownMs, rate);
    this.#ledger = new Ledger(
      clock.now,
      trace === null ? null : (line) => trace(`${clock.time - 1_000_000} ms  ${line}`),
      0,
      new BrokerTime(rate),
    );
    const config = drawConfig(this.#random);
    const hasHooks = config.storage.enabled && seed % HOOK_SEEDS === HOOK_SEED;
    if (hasHooks) this.#counts.slowHooks++;
    this.#host = new SimulatedHost(
      clock,
      this.#wall,
      this.#random,
      config,
      trace === null ? noopLogger : loggerTo(this.#ledger.trace as (line: string) => void),
      {
        onFull: (unsafeMs) => this.#ledger.diskFilled(unsafeMs),
        onRoom: () => this.#ledger.outages.end(clock.time),
      },
      isThroughLinks,
      hasHooks ? new Random(seed ^ HOOK_SALT) : null,
    );
    this.#actors = drawRoles(this.#random).map((role) => this.#actor(role));
    if (this.#host.isDurable && seed % WORKER_SEEDS === WORKER_SEED) {
      this.#worker = new InsideWorker(this.#host, clock, this.#workerRandom, this.#ledger);
      this.#counts.insideWorkers++;
    }
    this.#actUntil = clock.time + 1000 + this.#random.below(this.#random.pick([3000, 12_000]));
  }

  #actor(role: Role): Actor {
    return { role, client: new ModelClient(role.profile, this.#ledger), link: null };
  }

  async run(): Promise<SimulationReport> {
    this.#start();
    for (const actor of this.#actors) this.#actLater(actor);
    if (this.#isClockSet) this.#setWallClockLater();
    if (this.#host.isDurable) {
      const { stops, fullDisks, longQueue } = this.#disturbances;
      this.#crashLater();
      if (this.#worker !== null)
        this.#repeatLater(600, () => this.#worker?.act(), this.#workerRandom);
      if (stops) this.#stopLater();
      if (fullDisks) this.#fillDiskLater();
      if (longQueue) await this.#keepLongQueue();
    }
    await this.#advance(Math.max(0, this.#actUntil - this.#clock.time));
    await this.#comeToRest();
    const { publications, counts } = this.#ledger;
    return { ...this.#counts, publications: publications.length, ...counts };
  }

  async #advance(ms: number): Promise<void> {
    const until = this.#clock.time + ms;
    while (this.#clock.step(until)) {
      this.#counts.events++;
      if (this.#host.isDurable) await this.#host.settle();
      if (this.#counts.events % this.#checkedEvery === 0) this.#host.broker?.checkInvariants();
    }
  }

  // ---------------------------------------------------------------------- crashes

  /** @param wasKilled - the process before may not have seen how connections ended */
  #start(wasKilled = true): void {
    const { time, trace, now } = this.#ledger;
    trace?.('the broker starts');
    const startedMs = now();
    this.#startedMs = startedMs;
    this.#servingMs = Number.POSITIVE_INFINITY;
    this.#isStarting = true;
    this.#host.start(() => {
      trace?.('the broker serves');
      this.#isStarting = false;
      this.#servingMs = now();
      time.serving(startedMs, now(), this.#wall.now());
      if (!wasKilled) return;
      for (const { client } of this.#actors) client.onBrokerBack();
    });
  }

  #crashLater(): void {
    const random = this.#random;
    const delay = random.below(4000);
    if (this.#clock.time + delay >= this.#actUntil) return;
    this.#clock.schedule(delay, () => {
      if (random.chance(0.4)) this.#crash();
      else this.#crashAtOperation(20);
      this.#crashLater();
    });
  }

  #crashAtOperation(countMax: number): void {
    const random = this.#random;
    const crash = () => this.#crash();
    if (random.chance(0.5)) this.#host.atOperation(null, 1 + random.below(countMax), crash);
    else this.#host.atOperation(random.pick(DISK_OPERATIONS), 1 + random.below(2), crash);
  }

  /** The process is killed, or the power is cut; a while later there is another process. */
  #crash(): void {
    if (!this.#host.isRunning) return;
    const random = this.#random;
    const survival: Survival = this.#host.losesPower
      ? random.pick(['everything', 'nothing', 'anything', 'anything'])
      : 'everything';
    this.#ledger.trace?.(`the broker is killed, unsynced data: ${survival}`);
    this.#undo(survival);
    this.#processEnded(this.#host.unsafeMs(survival), false);
    this.#counts.crashes++;
    this.#host.kill(survival);
    this.#worker?.onBrokerEnded(true);
    for (const { link } of this.#actors) link?.die();
    this.#clock.schedule(CLIENT_NOTICES_MS + random.below(random.pick([10, 2000])), () => {
      this.#start();
      // Sometimes it doesn't get far.
      if (random.chance(0.3)) this.#crashAtOperation(12);
    });
  }

  #processEnded(unsafeMs: number, isOrderly: boolean): void {
    const endedMs = this.#clock.time;
    const startedMs = this.#startedMs;
    this.#isStarting = false;
    this.#ledger.time.ended({
      startedMs,
      endedMs,
      wallMs: this.#wall.now(),
      leftTrace: isOrderly || endedMs - this.#servingMs > LOOK_MS + unsafeMs,
      untracedMs: endedMs - startedMs,
      unsafeMs,
      unnotedMs: this.#wall.movedSince(endedMs - unsafeMs - (isOrderly ? 0 : LOOK_MS)),
    });
  }

  /** What the broker had not written is lost with its process. */
  #undo(survival: Survival): void {
    this.#ledger.crashed(this.#host.unsafeMs(survival));
    for (const { client } of this.#actors) {
      this.#clock.schedule(CLIENT_NOTICES_MS, () => client.onBrokerDied());
    }
  }

  // ----------------------------------------------------------------- disturbances

  /** Calls something again and again while clients act; a time or two in most runs. */
  #repeatLater(delayMax: number, happen: () => void, random = this.#disturber): void {
    const delay = random.below(delayMax);
    if (this.#clock.time + delay >= this.#actUntil) return;
    this.#clock.schedule(delay, () => {
      happen();
      this.#repeatLater(delayMax, happen, random);
    });
  }

  #stopLater(): void {
    this.#repeatLater(3000, () => this.#stop());
  }

  /** The process ends in order: nothing is lost, not even what a crash may take. */
  #stop(): void {
    if (this.#host.broker === null) return;
    this.#ledger.trace?.('the broker is told to stop');
    this.#counts.stops++;
    for (const { client } of this.#actors) client.onStopping();
    this.#worker?.onStopping();
    this.#host.stop((lossy) => {
      this.#ledger.trace?.('the broker has stopped');
      if (lossy !== null) this.#undo(lossy);
      this.#worker?.onBrokerEnded(lossy !== null);
      // The checkpoint at the end takes its time.
      this.#processEnded(this.#host.unsafeMs(lossy ?? 'everything'), lossy === null);
      const delay = CLIENT_NOTICES_MS + this.#disturber.below(this.#disturber.pick([10, 2000]));
      this.#clock.schedule(delay, () => this.#start(lossy !== null));
    });
  }

  #fillDiskLater(): void {
    this.#repeatLater(2500, () => {
      this.#ledger.trace?.('the disk is about to be full');
      this.#counts.outages++;
      this.#host.fillDisk();
      const delay = this.#disturber.below(this.#disturber.pick([50, 2500]));
      this.#clock.schedule(delay, () => {
        this.#ledger.trace?.('the disk has room');
        this.#host.makeRoom();
      });
    });
  }

  /** The wall clock is set, while the broker runs or not. */
  #setWallClockLater(): void {
    const random = this.#setter;
    const set = () => {
      if (this.#isStarting) return;
      const byMs = drawWallMove(random, this.#wall.now());
      this.#ledger.trace?.(`the wall clock is set by ${byMs} ms`);
      this.#counts.clockMoves++;
      this.#wall.move(byMs);
    };
    this.#repeatLater(2500, set, random);
  }

  /** A queue longer than a block of it, over two restarts at least. */
  async #keepLongQueue(): Promise<void> {
    const random = this.#disturber;
    const [sleeper, flooder] = [this.#actor(sleeperRole(random)), this.#actor(flooderRole())];
    // A clock that jumps may end the session before there is anybody to get what it has.
    const hasHeir = random.chance(0.5) && !this.#isClockSet;
    const heir = hasHeir ? this.#actor(heirRole(random)) : null;
    this.#actors.push(sleeper, flooder);
    if (heir !== null) this.#actors.push(heir);
    const host = {
      connect: (actor: Actor, startsClean: boolean) => this.#connect(actor, startsClean),
    };
    const queue = new LongQueue(host, random, this.#ledger, sleeper, flooder, heir);
    this.#longQueue = queue;
    await this.#advanceUntil(() => queue.putToSleep());
    await this.#advanceUntil(() => queue.fill());
    this.#counts.longQueues++;
    if (heir !== null) {
      await this.#advanceUntil(() => queue.putHeirToSleep());
      queue.endSession();
      // Often in the middle of the steps in which it is handed over.
      await this.#advance(random.below(80));
      this.#crash();
      await this.#advanceUntil(() => this.#host.broker !== null);
    }
    for (let restarts = 2 + random.below(2); restarts > 0; restarts--) {
      await this.#advance(random.below(1500));
      if (random.chance(0.5)) this.#stop();
      else this.#crash();
      await this.#advanceUntil(() => this.#host.broker !== null);
      if (!random.chance(0.4)) continue;
      queue.wake();
      await this.#advance(random.below(150));
      queue.cut();
    }
  }

  async #advanceUntil(isDone: () => boolean): Promise<void> {
    const until = this.#clock.time + LONG_QUEUE_MS_MAX;
    while (!isDone() && this.#clock.time < until) await this.#advance(LONG_QUEUE_STEP_MS);
  }

  // ---------------------------------------------------------------------- actions

  #actLater(actor: Actor): void {
    const random = this.#random;
    const delay = random.chance(0.1) ? random.below(3000) : random.below(200);
    if (this.#clock.time + delay >= this.#actUntil) return;
    this.#clock.schedule(delay, () => {
      this.#act(actor);
      this.#actLater(actor);
    });
  }

  #act(actor: Actor): void {
    const { client, role } = actor;
    const random = this.#random;
    if (client.state === 'idle' || client.state === 'disconnecting') {
      if (this.#host.broker === null) return;
      if (random.chance(0.5)) this.#connect(actor, random.chance(role.startsClean));
      return;
    }
    switch (drawAction(random, role)) {
      case 'publish':
        this.#publish(actor);
        break;
      case 'subscribe':
        this.#subscribe(actor);
        break;
      case 'unsubscribe':
        this.#unsubscribe(actor);
        break;
      case 'break':
        this.#break(actor);
        break;
      case 'change-pace':
        if (client.isSlow) client.catchUp();
        else client.isSlow = true;
        break;
    }
  }

  #connect(actor: Actor, startsClean: boolean): void {
    if (this.#host.broker === null) return;
    this.#open(actor);
    const link = actor.link as SimulatedLink;
    actor.client.connect(link.clientEnd, startsClean, drawWill(this.#random, actor.role));
  }

  #open(actor: Actor): void {
    const former = actor.link;
    // What a client doesn't use any more is closed sooner or later.
    if (former !== null) this.#clock.schedule(this.#random.below(5000), () => former.cut());
    actor.link = new SimulatedLink(
      this.#clock,
      this.#random,
      actor.client,
      this.#host.broker as Broker,
      actor.link,
    );
  }

  #publish({ client, role }: Actor): void {
    const count = 1 + this.#random.below(5);
    for (let index = 0; index < count; index++) {
      const options = drawPublication(this.#random, this.#ledger, role);
      if (client.mayPublish(options.qos)) client.publish(this.#ledger.publication(options));
    }
  }

  #subscribe({ client, role }: Actor): void {
    if (!client.mayRequest) return;
    client.subscribe(drawSubscription(this.#random, role), this.#random.below(3));
  }

  #unsubscribe({ client }: Actor): void {
    if (client.mayRequest) client.unsubscribe(drawUnsubscription(this.#random, client));
  }

  #break(actor: Actor): void {
    const { client, link } = actor;
    const random = this.#random;
    if (random.chance(0.6)) link?.cut();
    else if (random.chance(0.3)) this.#connect(actor, random.chance(actor.role.startsClean));
    else if (client.isConnected) {
      client.disconnect(random.pick(['normal', 'normal', 'with-will', 'ending-session']));
    }
  }

  // ------------------------------------------------------------------------- rest

  /** Nothing breaks any more: everybody comes back, gets what it is owed, and the ledger judges. */
  async #comeToRest(): Promise<void> {
    // At least until clients have noticed what has been cut.
    this.#host.makeRoom();
    await this.#advance(this.#random.chance(0.5) ? REST_MS : 100);
    while (this.#host.broker === null || this.#host.isFull) await this.#advance(100);
    this.#host.spare();
    for (const { client } of this.#actors) client.settle();
    for (const actor of this.#actors) {
      actor.client.catchUp();
      if (!actor.client.isConnected) this.#connect(actor, false);
    }
    this.#worker?.hurry();
    await this.#advanceUntilQuiet();
    if (this.#worker?.isIdle === false) {
      throw new Violation(`unfinished: the worker has ${this.#worker.unfinished}`);
    }
    for (const { client } of this.#actors) {
      if (!client.isConnected || !client.isIdle)
        throw new Violation(`unfinished: ${client.unfinished}`);
    }
    this.#longQueue?.judge();
    this.#ledger.judge();
    await this.#probe();
  }

  /** Until nothing is delivered any more, however long that takes. */
  async #advanceUntilQuiet(): Promise<void> {
    for (let delivered = -1; delivered !== this.#ledger.counts.delivered; ) {
      delivered = this.#ledger.counts.delivered;
      await this.#advance(QUIET_MS);
    }
  }

  /** A new client asks for everything that is retained. */
  async #probe(): Promise<void> {
    const profile = {
      clientId: 'probe',
      version: 5,
      sessionExpiry: 0,
      receiveMaximum: 1000,
      packetIdMax: 10,
      topicAliasMaximum: 0,
    } as const;
    const role = {
      profile,
      sharedFilter: null,
      publishes: 0,
      subscribes: 0,
      breaks: 0,
      startsClean: 0,
    };
    const actor = this.#actor(role);
    this.#open(actor);
    actor.client.connect((actor.link as SimulatedLink).clientEnd, true, null);
    await this.#advance(500);
    const since = this.#ledger.tick;
    actor.client.subscribe({ filter: '#', qos: 2, noLocal: false, retainHandling: 0 }, 0);
    await this.#advance(1000);
    if (!actor.client.isIdle) throw new Violation(`unfinished: ${actor.client.unfinished}`);
    const found = actor.client.session?.retained ?? new Map();
    this.#ledger.judgeRetained(found, since);
  }
}

/**
 * Runs a seed.
 *
 * @throws {Error} that names the seed, and ends with the last events of a run that went wrong
 */
export async function simulate(seed: number, isThroughLinks = false): Promise<SimulationReport> {
  try {
    return await new SimulatedRun(seed, null, isThroughLinks).run();
  } catch {
    // Once more, and this time with a look at what happens.
    const { lines, error } = await traceOf(seed, isThroughLinks);
    throw new Error(
      [`seed ${seed}: ${(error as Error).message}`, ...lines.slice(-TRACE_LINES)].join('\n  '),
      { cause: error },
    );
  }
}

/** What the broker logs, between the lines of what its clients do. */
function loggerTo(trace: (line: string) => void): Logger {
  const log = (event: string, fields: object = {}) =>
    trace(`broker: ${event} ${JSON.stringify(fields)}`);
  return { trace: log, debug: log, info: log, warn: log, error: log, fatal: log };
}

/** Runs a seed and returns what happens in it, up to its end or to where it goes wrong. */
export async function traceOf(
  seed: number,
  isThroughLinks = false,
): Promise<{ lines: string[]; error: unknown }> {
  const lines: string[] = [];
  try {
    await new SimulatedRun(seed, (line) => lines.push(line), isThroughLinks).run();
    return { lines, error: null };
  } catch (error) {
    return { lines, error };
  }
}
