import { type MemoryFaults, MemoryLink, MemoryServers, NO_FAULTS } from '@promptmq/cluster/testing';
import { FaultyFiles, MemoryIndex, Random, type Survival } from '@promptmq/wal/testing';
import type { Config } from '../../../src/config/index.ts';
import { type Logger, noopLogger } from '../../../src/log/index.ts';
import { SimulatedClock } from '../../../src/testing/clock/simulated-clock.ts';
import { Ledger } from '../../model/ledger.ts';
import { ModelClient } from '../../model/model-client.ts';
import { Publication, Violation } from '../../model/publication.ts';
import {
  drawAction,
  drawConfig,
  drawPublication,
  drawRoles,
  drawSubscription,
  drawUnsubscription,
  drawWill,
  type Role,
} from '../../model/scenario.ts';
import { WALL_CLOCK_MS } from '../disturbances.ts';
import { DISK_OPERATIONS, SimulatedHost } from '../simulated-host.ts';
import { SimulatedLink } from '../simulated-link.ts';
import { SimulatedWallClock } from '../simulated-wall-clock.ts';
import { EngineStorage } from './engine-storage.ts';
import { type Process, SimulatedCell } from './simulated-cell.ts';

/** Within this time clients have noticed that the broker is gone. */
const CLIENT_NOTICES_MS = 25;

/** Longer than any will delay and session expiry. */
const REST_MS = 6000;

/** Longer than it takes until all cells serve, and everybody has what it is owed, when nothing breaks. */
const SERVING_MS_MAX = 120_000;

/** Longer than it takes to deliver a message when nothing breaks. */
const QUIET_MS = 1000;

/** Longest that a frame is under way between two cells, of near and of far ones, in milliseconds. */
const LATENCIES_MAX = [1, 5, 40];

/** What may wait for a link, or for who is away, grows older than where there is one broker. */
const LAG_MS = 500;

/** So that who is who doesn't depend on what the engine does. */
const ENGINE_SALT = 0x6a09_e667;

/** So many seeds of ten have an engine that the logs of the cells lie on. */
const ENGINE_SEEDS = 6;

/** Longest that an engine has no leader, in milliseconds: short ones, and long ones. */
const ELECTIONS_MS = [300, 5000];

/** What may wait for the engine, until all that broke is well again. */
const ENGINE_LAG_MS = 12_000;

/** Of a run that went wrong. */
const TRACE_LINES = 60;

/** After as many events the invariants are checked; after each where the seed is a multiple of `CHECKED_SEEDS`. */
const CHECKED_EVENTS = 100;
const CHECKED_SEEDS = 100;

export interface ClusterReport {
  readonly events: number;
  readonly crashes: number;
  readonly stops: number;
  readonly outages: number;
  readonly cuts: number;
  readonly wiped: number;
  readonly moves: number;
  readonly zombies: number;
  readonly elections: number;
  readonly forwarded: number;
  readonly duplicates: number;
  readonly publications: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly delivered: number;
  readonly repeated: number;
  readonly wills: number;
}

/** A client of a cell. */
interface Actor {
  readonly role: Role;
  readonly client: ModelClient;
  readonly cell: SimulatedCell;
  link: SimulatedLink | null;
}

/** What is wrong with an engine. */
function drawFaults(random: Random): MemoryFaults {
  const often = random.pick([0, 0.02, 0.15]);
  return {
    ...NO_FAULTS,
    delayMsMax: random.pick([2, 20, 120]),
    lostRequests: often * random.next(),
    lostAnswers: often * random.next(),
    lateRequests: often * random.next(),
    lateMsMax: random.pick([100, 5000]),
    timeoutMs: random.pick([250, 1000]),
    brokenReads: random.pick([0, 0.02]),
    staleReads: random.pick([0, 0.2]),
  };
}

/**
 * Two or three brokers that are cells of one cluster, with their clients, for some seconds of simulated time, all of it
 * determined by a seed: each is killed, stopped, and out of room on its disk, and the links between them break.
 *
 * Most have their logs on an engine, which fails, too. Then a cell goes on after a crash with what the disk has, with an empty one, or on
 * another machine, where the process before may not know of it.
 *
 * @throws {Violation} when a promise is broken
 */
export class ClusterRun {
  readonly #random: Random;
  readonly #clock = new SimulatedClock();
  readonly #ledger: Ledger;
  readonly #cells: SimulatedCell[] = [];
  readonly #actors: Actor[] = [];
  /** Between two cells, by `#keyOf`. */
  readonly #links = new Map<string, MemoryLink>();
  readonly #latencyMax: number;
  readonly #actUntil: number;
  readonly #checkedEvery: number;
  readonly #hasFullDisks: boolean;
  /** Null: what is stored lies on the disks alone. */
  readonly #engine: MemoryServers | null;
  readonly #engineRandom: Random;
  #fullCount = 0;
  /** Of processes that are over. */
  readonly #sums = { forwarded: 0, duplicates: 0 };
  readonly #counts = {
    events: 0,
    crashes: 0,
    stops: 0,
    outages: 0,
    cuts: 0,
    wiped: 0,
    moves: 0,
    zombies: 0,
    elections: 0,
  };
  #failure: unknown = null;

  constructor(seed: number, trace: ((line: string) => void) | null = null) {
    const random = new Random(seed);
    this.#random = random;
    this.#checkedEvery = trace !== null || seed % CHECKED_SEEDS === 0 ? 1 : CHECKED_EVENTS;
    const clock = this.#clock;
    const note = trace && ((line: string) => trace(`${clock.time - 1_000_000} ms  ${line}`));
    this.#engineRandom = new Random(seed ^ ENGINE_SALT);
    this.#engine = seed % 10 < ENGINE_SEEDS ? this.#newEngine() : null;
    this.#ledger = new Ledger(
      clock.now,
      note,
      this.#engine === null ? LAG_MS : ENGINE_LAG_MS,
      undefined,
      (publisher, subscriber, group) =>
        group !== null || this.#cellOf(publisher) !== this.#cellOf(subscriber),
    );
    this.#latencyMax = random.pick(LATENCIES_MAX);
    this.#hasFullDisks = random.chance(0.3);
    const drawn = drawConfig(random);
    const config =
      this.#engine === null ? drawn : { ...drawn, storage: { ...drawn.storage, enabled: true } };
    const wall = new SimulatedWallClock(clock, WALL_CLOCK_MS, 1);
    for (let cell = 0, count = random.pick([2, 2, 3]); cell < count; cell++) {
      this.#cells.push(this.#cell(cell, count, wall, config));
    }
    for (const role of drawRoles(random)) this.#addActor(role);
    // There is somebody to forward to.
    if (new Set(this.#actors.map(({ cell }) => cell)).size === 1) {
      for (const role of drawRoles(random, 'other')) this.#addActor(role);
    }
    this.#actUntil = clock.time + 1000 + random.below(random.pick([3000, 8000]));
  }

  #newEngine(): MemoryServers {
    const clock = this.#clock;
    const setTimer = (delayMs: number, callback: () => void) =>
      clock.schedule(Math.ceil(delayMs), callback);
    return new MemoryServers({
      clock: {
        ...{ now: clock.now, wallNow: clock.now, setTimer },
        defer: (callback) => void setTimer(0, callback),
      },
      random: this.#engineRandom,
      faults: drawFaults(this.#engineRandom),
    });
  }

  #cell(number: number, count: number, wall: SimulatedWallClock, config: Config): SimulatedCell {
    const { trace } = this.#ledger;
    const log = trace === null ? noopLogger : loggerTo((line) => trace(`cell ${number}: ${line}`));
    const host = new SimulatedHost(this.#clock, wall, this.#random, config, log, {
      onFull: (unsafeMs) => {
        this.#fullCount++;
        this.#ledger.diskFilled(unsafeMs, (publisher) => this.#cellOf(publisher)?.cell !== number);
      },
      onRoom: () => {
        if (--this.#fullCount === 0) this.#ledger.outages.end(this.#clock.time);
      },
    });
    const fail = (error: unknown) => {
      this.#failure ??= error;
    };
    if (this.#engine !== null) {
      const random = this.#engineRandom;
      const sizes = {
        snapshotSize: random.pick([2000, 10_000, 1_000_000]),
        appendBytes: random.pick([300, 5000, 500_000]),
        appendWindow: random.pick([1, 1, 4]),
      };
      host.storage = new EngineStorage(this.#engine, number, this.#clock, sizes, (why) =>
        fail(new Violation(`cell ${number} has ended: ${why}`)),
      );
    }
    const otherDisk = { files: new FaultyFiles(), index: new MemoryIndex() };
    return new SimulatedCell(number, count, host, otherDisk, fail);
  }

  #cellOf(clientId: string): SimulatedCell | undefined {
    return this.#actors.find(({ role }) => role.profile.clientId === clientId)?.cell;
  }

  #addActor(role: Role): void {
    const cell = this.#random.pick(this.#cells);
    this.#actors.push({
      role,
      client: new ModelClient(role.profile, this.#ledger),
      cell,
      link: null,
    });
  }

  async run(): Promise<ClusterReport> {
    for (const cell of this.#cells) this.#start(cell);
    for (const actor of this.#actors) this.#actLater(actor);
    this.#cutLater();
    for (const cell of this.#cells) {
      if (!cell.host.isDurable) continue;
      this.#crashLater(cell);
      if (this.#random.chance(0.4)) this.#stopLater(cell);
      if (this.#hasFullDisks) this.#fillDiskLater(cell);
      if (this.#engine !== null) this.#cutEngineLater(cell);
    }
    this.#electLater();
    await this.#advance(Math.max(0, this.#actUntil - this.#clock.time));
    await this.#comeToRest();
    for (const cell of this.#cells) this.#sumUp(cell);
    const { publications, counts } = this.#ledger;
    return { ...this.#counts, ...this.#sums, publications: publications.length, ...counts };
  }

  async #advance(ms: number): Promise<void> {
    const until = this.#clock.time + ms;
    while (this.#clock.step(until)) {
      this.#counts.events++;
      for (const { host } of this.#cells) if (host.isDurable) await host.settle();
      if (this.#failure !== null) throw this.#failure;
      if (this.#counts.events % this.#checkedEvery !== 0) continue;
      for (const cell of this.#cells) cell.checkInvariants();
    }
  }

  // ------------------------------------------------------------------ the processes

  #start(cell: SimulatedCell, wasKilled = true): void {
    this.#ledger.trace?.(`cell ${cell.cell} starts`);
    // It may have to be restored, and nobody would help.
    if (this.#engine !== null) cell.host.makeRoom();
    const others = this.#cells.filter((one) => one !== cell);
    cell.host.start(
      () => {
        this.#ledger.trace?.(`cell ${cell.cell} has recovered`);
        cell.join(() => this.#ledger.trace?.(`cell ${cell.cell} serves`));
        for (const other of others) this.#linkLater(cell, other);
        if (!wasKilled) return;
        for (const { client } of this.#actorsOf(cell)) client.onBrokerBack();
      },
      (broker) => cell.prepare(broker),
    );
  }

  #actorsOf(cell: SimulatedCell): Actor[] {
    return this.#actors.filter((actor) => actor.cell === cell);
  }

  #crashLater(cell: SimulatedCell): void {
    const random = this.#random;
    const delay = random.below(4000);
    if (this.#clock.time + delay >= this.#actUntil) return;
    this.#clock.schedule(delay, () => {
      if (random.chance(0.4)) this.#crash(cell);
      else this.#crashAtOperation(cell, 20);
      this.#crashLater(cell);
    });
  }

  #crashAtOperation(cell: SimulatedCell, countMax: number): void {
    const random = this.#random;
    const crash = () => this.#crash(cell);
    const { host } = cell;
    if (random.chance(0.5)) host.atOperation(null, 1 + random.below(countMax), crash);
    else host.atOperation(random.pick(DISK_OPERATIONS), 1 + random.below(2), crash);
  }

  /** The process is killed, or the power is cut; a while later there is another process, on this machine or on another. */
  #crash(cell: SimulatedCell): void {
    const { host } = cell;
    if (!host.isRunning) return;
    const random = this.#random;
    this.#counts.crashes++;
    if (this.#engine !== null) this.#loseMachine(cell);
    else {
      const survival: Survival = host.losesPower
        ? random.pick(['everything', 'nothing', 'anything', 'anything'])
        : 'everything';
      this.#kill(cell, survival);
    }
    for (const { link } of this.#actorsOf(cell)) link?.die();
    this.#clock.schedule(CLIENT_NOTICES_MS + random.below(random.pick([10, 2000])), () => {
      this.#forget(cell);
      this.#start(cell);
      // Sometimes it doesn't get far.
      if (random.chance(0.3)) this.#crashAtOperation(cell, 12);
    });
  }

  #kill(cell: SimulatedCell, survival: Survival): void {
    this.#ledger.trace?.(`cell ${cell.cell} is killed, unsynced data: ${survival}`);
    this.#undo(cell, survival);
    this.#leave(cell);
    cell.host.kill(survival);
  }

  /** What is acknowledged is with the engine, whatever becomes of the machine. */
  #loseMachine(cell: SimulatedCell): void {
    const { host } = cell;
    const random = this.#engineRandom;
    const what = random.pick(['stays', 'stays', 'is wiped', 'moves', 'is left behind'] as const);
    this.#ledger.trace?.(`cell ${cell.cell}: its disk ${what}`);
    if (what === 'is left behind') {
      this.#counts.zombies++;
      this.#leaveZombie(cell);
      return;
    }
    this.#kill(cell, random.pick(['everything', 'nothing', 'anything']));
    if (what === 'is wiped') {
      this.#counts.wiped++;
      host.disk = { files: new FaultyFiles(), index: new MemoryIndex() };
    } else if (what === 'moves') {
      this.#counts.moves++;
      cell.move();
    }
  }

  /** The process lives, and neither clients nor, for a while, the engine reach it: another one takes the cell. */
  #leaveZombie(cell: SimulatedCell): void {
    const storage = cell.host.storage as EngineStorage;
    const { engine } = storage;
    this.#undo(cell, 'everything');
    this.#sumUp(cell);
    const links: MemoryLink[] = [];
    for (const other of this.#cells) {
      const link = this.#links.get(keyOf(cell, other));
      if (link === undefined) continue;
      this.#links.delete(keyOf(cell, other));
      if (this.#engineRandom.chance(0.5)) link.cut();
      else links.push(link);
    }
    storage.abandon();
    cell.moveFromZombie(links);
    if (engine === null || this.#engineRandom.chance(0.3)) return;
    engine.isCut = true;
    this.#clock.schedule(this.#engineRandom.below(5000), () => {
      engine.isCut = false;
    });
  }

  /** What the broker had not written is lost with its process. */
  #undo(cell: SimulatedCell, survival: Survival): void {
    this.#ledger.crashed(cell.host.unsafeMs(survival));
    for (const { client } of this.#actorsOf(cell)) {
      this.#clock.schedule(CLIENT_NOTICES_MS, () => client.onBrokerDied());
    }
  }

  #leave(cell: SimulatedCell): void {
    this.#sumUp(cell);
    cell.leave();
    this.#endLinks(cell);
  }

  /** Its process is over, or doesn't use them any more. */
  #endLinks(cell: SimulatedCell): void {
    for (const other of this.#cells) {
      this.#links.get(keyOf(cell, other))?.cut();
      this.#links.delete(keyOf(cell, other));
    }
  }

  /** The process is over, and nobody waits for it any more. */
  #forget(cell: SimulatedCell): void {
    for (const other of this.#cells) if (other !== cell) other.forget(cell);
  }

  #sumUp({ process }: SimulatedCell): void {
    if (process === null) return;
    const { sent, duplicates } = process.broker.stats.forwarding;
    this.#sums.forwarded += sent;
    this.#sums.duplicates += duplicates;
  }

  #stopLater(cell: SimulatedCell): void {
    this.#repeatLater(3000, () => this.#stop(cell));
  }

  /** The process ends in order: nothing is lost, not even what a crash may take. */
  #stop(cell: SimulatedCell): void {
    const { host, process } = cell;
    if (host.broker === null || process === null) return;
    this.#ledger.trace?.(`cell ${cell.cell} is told to stop`);
    this.#counts.stops++;
    const actors = this.#actorsOf(cell);
    for (const { client } of actors) client.onStopping();
    cell.isServing = false;
    process.forwarding?.stop();
    process.peers.stop();
    this.#sumUp(cell);
    this.#endLinks(cell);
    host.stop((lossy) => {
      this.#ledger.trace?.(`cell ${cell.cell} has stopped`);
      cell.leave();
      this.#forget(cell);
      if (lossy !== null) this.#undo(cell, lossy);
      const delay = CLIENT_NOTICES_MS + this.#random.below(this.#random.pick([10, 2000]));
      this.#clock.schedule(delay, () => this.#start(cell, lossy !== null));
    });
  }

  #fillDiskLater(cell: SimulatedCell): void {
    this.#repeatLater(2500, () => {
      // What is restored needs room.
      if (this.#engine !== null && cell.host.broker === null) return;
      this.#ledger.trace?.(`the disk of cell ${cell.cell} is about to be full`);
      this.#counts.outages++;
      cell.host.fillDisk();
      this.#clock.schedule(this.#random.below(this.#random.pick([50, 2500])), () => {
        this.#ledger.trace?.(`the disk of cell ${cell.cell} has room`);
        cell.host.makeRoom();
      });
    });
  }

  /** Nothing passes between a cell and the engine for a while. */
  #cutEngineLater(cell: SimulatedCell): void {
    const random = this.#engineRandom;
    this.#repeatLater(5000, () => {
      const engine = (cell.host.storage as EngineStorage).engine;
      if (engine === null || engine.isCut) return;
      this.#ledger.trace?.(`cell ${cell.cell} doesn't reach the engine`);
      engine.isCut = true;
      this.#clock.schedule(random.below(2000), () => {
        engine.isCut = false;
      });
    });
  }

  #electLater(): void {
    const [engine, random] = [this.#engine, this.#engineRandom];
    if (engine === null) return;
    this.#repeatLater(6000, () => {
      this.#ledger.trace?.('the engine elects a leader');
      this.#counts.elections++;
      engine.elect(random.below(random.pick(ELECTIONS_MS)));
    });
  }

  /** Calls something again and again while clients act; a time or two in most runs. */
  #repeatLater(delayMax: number, happen: () => void): void {
    const delay = this.#random.below(delayMax);
    if (this.#clock.time + delay >= this.#actUntil) return;
    this.#clock.schedule(delay, () => {
      happen();
      this.#repeatLater(delayMax, happen);
    });
  }

  // -------------------------------------------------------------------------- links

  /** A while later two cells find each other, if both serve then. */
  #linkLater(a: SimulatedCell, b: SimulatedCell): void {
    const random = this.#random;
    this.#clock.schedule(random.below(random.pick([5, 500])), () => this.#link(a, b));
  }

  #link(a: SimulatedCell, b: SimulatedCell): void {
    const random = this.#random;
    const [first, second] = [a.process, b.process];
    if (first === null || second === null || this.#links.get(keyOf(a, b))?.isUp) return;
    // Not while one of them recovers or stops.
    if (first.broker !== a.host.broker || second.broker !== b.host.broker) return;
    this.#ledger.trace?.(`a link between cells ${a.cell} and ${b.cell}`);
    const link = new MemoryLink(
      { end: a.end, links: first.links },
      { end: b.end, links: second.links },
      {
        later: (callback) => void this.#clock.schedule(random.below(this.#latencyMax), callback),
        busyBytes: random.pick([100, 1_000_000]),
      },
    );
    this.#links.set(keyOf(a, b), link);
  }

  #cutLater(): void {
    this.#repeatLater(this.#random.pick([500, 2000]), () => {
      const [a, b] = [this.#random.pick(this.#cells), this.#random.pick(this.#cells)];
      const link = this.#links.get(keyOf(a, b));
      if (a === b || link === undefined || !link.isUp) return;
      this.#links.delete(keyOf(a, b));
      this.#ledger.trace?.(`the link between cells ${a.cell} and ${b.cell} breaks`);
      this.#counts.cuts++;
      link.cut();
      const isBackAtOnce = this.#random.chance(0.5);
      // Not before both sides have noticed.
      this.#clock.schedule(this.#latencyMax, () => {
        if (!isBackAtOnce) {
          this.#linkLater(a, b);
          return;
        }
        this.#link(a, b);
        // While what came by the link before is being written.
        if (a.host.isDurable && this.#random.chance(0.3)) this.#crashAtOperation(a, 4);
      });
    });
  }

  // ------------------------------------------------------------------------ actions

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
    const { client, role, cell } = actor;
    const random = this.#random;
    if (client.state === 'idle' || client.state === 'disconnecting') {
      if (!cell.isServing) return;
      if (random.chance(0.5)) this.#connect(actor, random.chance(role.startsClean));
      return;
    }
    switch (drawAction(random, role)) {
      case 'publish':
        this.#publish(actor);
        break;
      case 'subscribe':
        if (client.mayRequest) client.subscribe(drawSubscription(random, role), random.below(3));
        break;
      case 'unsubscribe':
        if (client.mayRequest) client.unsubscribe(drawUnsubscription(random, client));
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
    const { broker } = actor.cell.host;
    if (broker === null || !actor.cell.isServing) return;
    const former = actor.link;
    // What a client doesn't use any more is closed sooner or later.
    if (former !== null) this.#clock.schedule(this.#random.below(5000), () => former.cut());
    const link = new SimulatedLink(this.#clock, this.#random, actor.client, broker, former);
    actor.link = link;
    actor.client.connect(link.clientEnd, startsClean, drawWill(this.#random, actor.role));
  }

  #publish({ client, role }: Actor): void {
    const count = 1 + this.#random.below(5);
    for (let index = 0; index < count; index++) {
      const options = drawPublication(this.#random, this.#ledger, role);
      if (client.mayPublish(options.qos)) client.publish(this.#ledger.publication(options));
    }
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

  // --------------------------------------------------------------------------- rest

  /** Nothing breaks any more: everybody comes back, gets what it is owed, and the ledger judges. */
  async #comeToRest(): Promise<void> {
    for (const { host } of this.#cells) host.makeRoom();
    if (this.#engine !== null) {
      this.#engine.faults = NO_FAULTS;
      for (const cell of this.#cells) cell.endZombie();
    }
    await this.#advance(this.#random.chance(0.5) ? REST_MS : 100);
    if (this.#engine !== null) await this.#advance(ENGINE_LAG_MS);
    const isUnready = ({ host, isServing }: SimulatedCell) => !isServing || host.isFull;
    for (const until = this.#clock.time + SERVING_MS_MAX; this.#cells.some(isUnready); ) {
      if (this.#clock.time > until) throw new Violation('a cell is not served');
      await this.#advance(100);
    }
    for (const { host } of this.#cells) host.spare();
    for (const { client } of this.#actors) client.settle();
    for (const { client } of this.#actors) client.catchUp();
    this.#connectAll();
    await this.#advanceUntilQuiet();
    // A SUBSCRIBE that found no room, and has waited for other cells since, ends its connection.
    if (this.#connectAll()) await this.#advanceUntilQuiet();
    for (const { client } of this.#actors) {
      if (!client.isConnected || !client.isIdle)
        throw new Violation(`unfinished: ${client.unfinished}`);
    }
    this.#ledger.judge();
    for (const cell of this.#cells) this.#checkEmpty(cell);
    this.#checkRetained();
  }

  /** @returns whether anybody was not connected */
  #connectAll(): boolean {
    const away = this.#actors.filter(({ client }) => !client.isConnected);
    for (const actor of away) this.#connect(actor, false);
    return away.length > 0;
  }

  /** All cells have the same retained messages, and those are what was published. */
  #checkRetained(): void {
    let first: string | null = null;
    for (const { cell, process } of this.#cells) {
      const { broker } = process as Process;
      const found = new Map<string, Publication>();
      for (const { topic, payload } of broker.router.retained.match('#', broker.runtime.now())) {
        const publication = this.#ledger.publications[Publication.idOf(payload) ?? -1];
        if (publication === undefined) throw new Violation(`nobody published what ${topic} has`);
        found.set(topic, publication);
      }
      this.#ledger.judgeRetained(found, this.#ledger.tick);
      // They may expire here and there at different moments.
      const lasting = [...found].filter(([, { options }]) => options.expiry === null);
      const all = lasting.map(([topic, { id }]) => `${topic}: ${id}`).sort();
      first ??= all.join(', ');
      if (first !== all.join(', '))
        throw new Violation(`cell 0 has retained ${first}; cell ${cell} has ${all.join(', ')}`);
    }
  }

  /** Until nothing is delivered any more, however long that takes. */
  async #advanceUntilQuiet(): Promise<void> {
    const until = this.#clock.time + SERVING_MS_MAX;
    for (let delivered = -1; delivered !== this.#ledger.counts.delivered; ) {
      if (this.#clock.time > until) throw new Violation('something is delivered again and again');
      delivered = this.#ledger.counts.delivered;
      await this.#advance(QUIET_MS);
    }
  }

  /** What was forwarded has been applied, and nothing waits for another cell. */
  #checkEmpty({ cell, process }: SimulatedCell): void {
    for (const [to, { queuedCount, inflightCount }] of process?.broker.sessions.cells.all() ?? []) {
      const left = queuedCount + inflightCount;
      if (left > 0) throw new Violation(`${left} messages of cell ${cell} wait for cell ${to}`);
    }
  }
}

function keyOf(a: SimulatedCell, b: SimulatedCell): string {
  return [a.cell, b.cell].sort().join();
}

/** What a broker logs, between the lines of what its clients do. */
function loggerTo(trace: (line: string) => void): Logger {
  const log = (event: string, fields: object = {}) => trace(`${event} ${JSON.stringify(fields)}`);
  return { trace: log, debug: log, info: log, warn: log, error: log, fatal: log };
}

/**
 * Runs a seed.
 *
 * @throws {Error} that names the seed, and ends with the last events of a run that went wrong
 */
export async function simulateCluster(seed: number): Promise<ClusterReport> {
  try {
    return await new ClusterRun(seed).run();
  } catch {
    // Once more, and this time with a look at what happens.
    const { lines, error } = await traceOfCluster(seed);
    throw new Error(
      [`seed ${seed}: ${(error as Error).message}`, ...lines.slice(-TRACE_LINES)].join('\n  '),
      { cause: error },
    );
  }
}

/** Runs a seed and returns what happens in it, up to its end or to where it goes wrong. */
export async function traceOfCluster(seed: number): Promise<{ lines: string[]; error: unknown }> {
  const lines: string[] = [];
  try {
    await new ClusterRun(seed, (line) => lines.push(line)).run();
    return { lines, error: null };
  } catch (error) {
    return { lines, error };
  }
}
