import type { Survival } from '../../../wal/test/support/faulty-files.ts';
import { Random } from '../../../wal/test/support/random.ts';
import type { Broker } from '../../src/broker.ts';
import { type Logger, noopLogger } from '../../src/log/index.ts';
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
import { SimulatedClock } from './simulated-clock.ts';
import { DISK_OPERATIONS, SimulatedHost } from './simulated-host.ts';
import { SimulatedLink } from './simulated-link.ts';

/** Within this time clients have noticed that the broker is gone. */
const CLIENT_NOTICES_MS = 25;

/** Longer than any will delay and session expiry. */
const REST_MS = 6000;

/** Longer than it takes to deliver a message when nothing breaks. */
const QUIET_MS = 1000;

/** Of a run that went wrong. */
const TRACE_LINES = 40;

export interface SimulationReport {
  readonly events: number;
  readonly crashes: number;
  readonly publications: number;
  readonly acknowledged: number;
  readonly delivered: number;
  readonly repeated: number;
  readonly wills: number;
}

interface Actor {
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
  readonly #ledger: Ledger;
  readonly #host: SimulatedHost;
  readonly #actors: Actor[];
  #events = 0;
  #crashes = 0;
  /** Until when clients act, in milliseconds. */
  readonly #actUntil: number;

  constructor(seed: number, trace: ((line: string) => void) | null = null) {
    this.#random = new Random(seed);
    const clock = this.#clock;
    this.#ledger = new Ledger(
      clock.now,
      trace === null ? null : (line) => trace(`${clock.time - 1_000_000} ms  ${line}`),
    );
    this.#host = new SimulatedHost(
      clock,
      this.#random,
      drawConfig(this.#random),
      trace === null ? noopLogger : loggerTo(this.#ledger.trace as (line: string) => void),
    );
    this.#actors = drawRoles(this.#random).map((role) => this.#actor(role));
    this.#actUntil = clock.time + 1000 + this.#random.below(this.#random.pick([3000, 12_000]));
  }

  #actor(role: Role): Actor {
    return { role, client: new ModelClient(role.profile, this.#ledger), link: null };
  }

  async run(): Promise<SimulationReport> {
    this.#start();
    for (const actor of this.#actors) this.#actLater(actor);
    if (this.#host.isDurable) this.#crashLater();
    await this.#advance(this.#actUntil - this.#clock.time);
    await this.#comeToRest();
    const { publications, counts } = this.#ledger;
    return {
      events: this.#events,
      crashes: this.#crashes,
      publications: publications.length,
      ...counts,
    };
  }

  async #advance(ms: number): Promise<void> {
    const until = this.#clock.time + ms;
    while (this.#clock.step(until)) {
      this.#events++;
      if (this.#host.isDurable) await this.#host.settle();
    }
  }

  // ---------------------------------------------------------------------- crashes

  #start(): void {
    this.#ledger.trace?.('the broker starts');
    this.#host.start(() => {
      this.#ledger.trace?.('the broker serves');
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
    this.#ledger.crashed(this.#host.unsafeMs(survival));
    this.#crashes++;
    this.#host.kill(survival);
    for (const { client, link } of this.#actors) {
      link?.die();
      this.#clock.schedule(CLIENT_NOTICES_MS, () => client.onBrokerDied());
    }
    this.#clock.schedule(CLIENT_NOTICES_MS + random.below(random.pick([10, 2000])), () => {
      this.#start();
      // Sometimes it doesn't get far.
      if (random.chance(0.3)) this.#crashAtOperation(12);
    });
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
    await this.#advance(this.#random.chance(0.5) ? REST_MS : 100);
    while (this.#host.broker === null) await this.#advance(100);
    this.#host.spare();
    for (const { client } of this.#actors) client.settle();
    for (const actor of this.#actors) {
      actor.client.catchUp();
      if (!actor.client.isConnected) this.#connect(actor, false);
    }
    await this.#advanceUntilQuiet();
    for (const { client } of this.#actors) {
      if (!client.isConnected || !client.isIdle)
        throw new Violation(`unfinished: ${client.unfinished}`);
    }
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
export async function simulate(seed: number): Promise<SimulationReport> {
  try {
    return await new SimulatedRun(seed).run();
  } catch {
    // Once more, and this time with a look at what happens.
    const { lines, error } = await traceOf(seed);
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
export async function traceOf(seed: number): Promise<{ lines: string[]; error: unknown }> {
  const lines: string[] = [];
  try {
    await new SimulatedRun(seed, (line) => lines.push(line)).run();
    return { lines, error: null };
  } catch (error) {
    return { lines, error };
  }
}
