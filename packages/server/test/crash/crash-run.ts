import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '@promptmq/wal/testing';
import { Ledger } from '../model/ledger.ts';
import { ModelClient } from '../model/model-client.ts';
import { Violation } from '../model/publication.ts';
import {
  drawAction,
  drawPublication,
  drawRoles,
  drawSubscription,
  drawUnsubscription,
  drawWill,
  type Role,
} from '../model/scenario.ts';
import { type BrokerConfig, BrokerProcess } from './broker-process.ts';
import { drawPoint } from './kill-points.ts';
import { SocketLink } from './socket-link.ts';

/** A round ends after this number of acknowledgements, or this time, if the broker isn't dead by then. */
const ROUND_ACKS_MAX = 150;
const ROUND_MS_MAX = 1000;

/** How many kills the same clients live through. */
const GENERATION_KILLS = 15;

/*
 * How long a healthy broker may be silent, in turns of this process of 1 ms at least: on a machine that has
 * much else to do, these take longer, as those of the broker do.
 */
/** When nothing is owed, as far as is known here: then it has come to rest. */
const QUIET_TURNS = 60;
/** When something is owed. */
const SILENT_TURNS_MAX = 10_000;

/** How long it may take until the system has what the broker has written for itself. */
const UNSAFE_MS = 100;

/** How late the broker may be with what is due, and what it sends is seen here. */
const LAG_MS = 1000;

/** Kept of what happened; the last are part of the error, all are written beside what the broker left. */
const TRACE_LINES = 50_000;
const SHOWN_LINES = 40;

export interface CrashOptions {
  readonly seed: number;
  readonly kills: number;
  /** Emptied at the end of a run that passes. */
  readonly directory: string;
  readonly onProgress?: (report: CrashReport) => void;
}

export interface CrashReport {
  readonly seed: number;
  kills: number;
  /** How many of the kills were at each point. */
  readonly points: Record<string, number>;
  published: number;
  acknowledged: number;
  delivered: number;
  repeated: number;
  wills: number;
  /** How often everything was let come to rest, and judged. */
  judged: number;
  /** Milliseconds that each start took. */
  readonly recoveries: number[];
}

interface Actor {
  readonly role: Role;
  readonly client: ModelClient;
  link: SocketLink | null;
}

/**
 * Real clients and a real broker that is killed again and again. What was acknowledged is kept here, in a
 * process that lives on, and is looked for whenever the broker is left alone for a while.
 *
 * @throws {Error} with the seed and the last events, when something that was promised isn't kept
 */
export async function runCrashes(options: CrashOptions): Promise<CrashReport> {
  const run = new CrashRun(options);
  try {
    return await run.run();
  } catch (error) {
    run.keepsFolder = true;
    const message = `seed ${options.seed}, kill ${run.report.kills}: ${(error as Error).message}`;
    await writeFile(join(options.directory, 'trace.txt'), run.trace.join('\n'));
    throw new Error([message, ...run.trace.slice(-SHOWN_LINES)].join('\n  '), { cause: error });
  } finally {
    await run.close();
  }
}

class CrashRun {
  readonly report: CrashReport;
  readonly trace: string[] = [];
  /** Something went wrong: there is something to be found in it. */
  keepsFolder = false;
  readonly #options: CrashOptions;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #startedAt = performance.now();
  #actors: Actor[] = [];
  #generations = 0;
  /** The broker that serves, and the one that will when it has been killed. */
  #broker: BrokerProcess;
  #standby: BrokerProcess;
  #port = 0;
  #failure: unknown = null;

  constructor(options: CrashOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#ledger = new Ledger(
      () => performance.now(),
      (line) => this.#note(line),
      LAG_MS,
    );
    this.report = {
      seed: options.seed,
      kills: 0,
      points: {},
      published: 0,
      acknowledged: 0,
      delivered: 0,
      repeated: 0,
      wills: 0,
      judged: 0,
      recoveries: [],
    };
    this.#standby = new BrokerProcess();
    this.#broker = this.#standby;
  }

  async run(): Promise<CrashReport> {
    const random = this.#random;
    let lastGenerationAt = 0;
    this.#newGeneration();
    while (this.report.kills < this.#options.kills) {
      await this.#killOnce();
      if (random.chance(0.3)) await this.#liveAndJudge();
      if (this.report.kills - lastGenerationAt < GENERATION_KILLS) continue;
      lastGenerationAt = this.report.kills;
      await this.#liveAndJudge();
      await this.#retire();
      this.#newGeneration();
    }
    await this.#liveAndJudge();
    this.#updateReport();
    return this.report;
  }

  /** Kills what is left, and removes the folder unless there is something to find in it. */
  async close(): Promise<void> {
    for (const broker of [this.#broker, this.#standby]) {
      broker.kill();
      await broker.exited;
    }
    for (const { link } of this.#actors) link?.cut();
    await Promise.all(this.#actors.map(({ link }) => link?.closed));
    if (!this.keepsFolder) await rm(this.#options.directory, { recursive: true, force: true });
  }

  // ------------------------------------------------------------------------ rounds

  /** A broker serves until it dies at a point of its own, or is killed. */
  async #killOnce(): Promise<void> {
    const random = this.#random;
    const point = drawPoint(random);
    const isUp = await this.#start(point);
    if (isUp) {
      const { counts } = this.#ledger;
      const acks = counts.acknowledged + random.below(ROUND_ACKS_MAX);
      const until = performance.now() + ROUND_MS_MAX;
      const mayContinue = () => counts.acknowledged < acks && performance.now() < until;
      await this.#act(() => !this.#broker.hasExited && mayContinue());
    }
    const name = this.#broker.hasExited ? (point?.name ?? 'by itself') : 'at any moment';
    await this.#end(name);
  }

  /** Starts the broker that stands by. @returns whether it got as far as to serve */
  async #start(point: Parameters<BrokerProcess['start']>[1]): Promise<boolean> {
    this.#broker = this.#standby;
    this.#standby = new BrokerProcess();
    this.#note(
      `--- a broker starts${point === null ? '' : `, and dies ${point.name} ${point.count}`}`,
    );
    const started = await this.#broker.start(this.#config(), point);
    if (started === null) return false;
    this.#note(`--- it serves after ${started.recoveryMs.toFixed(1)} ms`);
    this.report.recoveries.push(started.recoveryMs);
    this.#port = Number(new URL(started.url).port);
    for (const { client } of this.#actors) client.onBrokerBack();
    return true;
  }

  async #end(pointName: string): Promise<void> {
    this.#broker.kill();
    await this.#broker.exited;
    this.#throwFailure();
    if (this.#broker.failure !== null) throw new Violation(this.#broker.failure);
    this.#note(`--- it was killed ${pointName}`);
    this.report.kills++;
    this.report.points[pointName] = (this.report.points[pointName] ?? 0) + 1;
    this.#ledger.crashed(UNSAFE_MS);
    await Promise.all(this.#actors.map(({ link }) => link?.closed));
    for (const { client } of this.#actors) client.onBrokerDied();
    this.#throwFailure();
    this.#updateReport();
    this.#options.onProgress?.(this.report);
  }

  /** A broker that isn't killed until everything has been delivered and judged. */
  async #liveAndJudge(): Promise<void> {
    if (!(await this.#start(null))) throw new Violation(this.#broker.failure ?? 'it did not start');
    if (this.#random.chance(0.5)) {
      const until = performance.now() + 50;
      await this.#act(() => performance.now() < until);
    }
    await this.#comeToRest();
    this.#ledger.judge();
    this.report.judged++;
    this.#note('--- judged');
    await this.#end('at rest');
  }

  // ----------------------------------------------------------------------- clients

  #newGeneration(): void {
    this.#actors = drawRoles(this.#random, `g${this.#generations++}`).map((role) => ({
      role,
      client: new ModelClient(role.profile, this.#ledger),
      link: null,
    }));
  }

  /** Ends the sessions of these clients, which are at rest. */
  async #retire(): Promise<void> {
    if (!(await this.#start(null))) throw new Violation(this.#broker.failure ?? 'it did not start');
    for (const actor of this.#actors) this.#connect(actor, true, false);
    await this.#until(() => this.#actors.every(({ client }) => client.isConnected));
    for (const { client } of this.#actors) client.disconnect('ending-session');
    await this.#until(() => this.#actors.every(({ client }) => client.state === 'idle'));
    await this.#end('at rest');
  }

  async #act(mayContinue: () => boolean): Promise<void> {
    while (mayContinue()) {
      for (const actor of this.#actors) if (this.#random.chance(0.5)) this.#actOnce(actor);
      await pause(1);
      this.#throwFailure();
    }
  }

  #actOnce(actor: Actor): void {
    const { client, role } = actor;
    const random = this.#random;
    if (client.state === 'idle') {
      if (random.chance(0.7)) this.#connect(actor, random.chance(role.startsClean / 4), true);
      return;
    }
    if (!client.isConnected) return;
    switch (drawAction(random, role)) {
      case 'publish':
        for (let count = 1 + random.below(12); count > 0; count--) this.#publish(actor);
        break;
      case 'subscribe':
        if (client.mayRequest) client.subscribe(drawSubscription(random, role), random.below(3));
        break;
      case 'unsubscribe':
        // Rarely: a subscription has to be there for a while to get something.
        if (client.mayRequest && random.chance(0.2)) {
          client.unsubscribe(drawUnsubscription(random, client));
        }
        break;
      case 'break':
        if (random.chance(0.05)) this.#break(actor);
        break;
      case 'change-pace':
        if (client.isSlow) client.catchUp();
        else client.isSlow = true;
        break;
    }
  }

  #publish({ client, role }: Actor): void {
    const options = drawPublication(this.#random, this.#ledger, role);
    if (!client.mayPublish(options.qos)) return;
    this.report.published++;
    client.publish(this.#ledger.publication(options));
  }

  #break(actor: Actor): void {
    const { client, link, role } = actor;
    const random = this.#random;
    if (random.chance(0.5)) {
      client.onCut(link as SocketLink);
      link?.cut();
    } else if (random.chance(0.3)) {
      this.#connect(actor, random.chance(role.startsClean / 4), true);
    } else {
      client.disconnect(random.pick(['normal', 'normal', 'with-will', 'ending-session']));
    }
  }

  #connect(actor: Actor, startsClean: boolean, hasWill: boolean): void {
    const { client, role } = actor;
    const link = new SocketLink(this.#port, this.#broker, client, (error) => {
      this.#failure ??= error;
    });
    actor.link = link;
    client.connect(link, startsClean, hasWill ? drawWill(this.#random, role) : null);
  }

  /** Everybody is connected, and has got and acknowledged what it is owed. */
  async #comeToRest(): Promise<void> {
    const ledger = this.#ledger;
    await this.#until(() => this.#actors.every(({ client }) => client.state !== 'disconnecting'));
    for (const actor of this.#actors) {
      actor.client.settle();
      if (actor.client.state === 'idle') this.#connect(actor, false, true);
    }
    let delivered = -1;
    let quietTurns = 0;
    await this.#until(() => {
      for (const { client } of this.#actors) client.catchUp();
      const isBusy =
        delivered !== ledger.counts.delivered ||
        this.#actors.some(({ client }) => !client.isConnected || !client.isIdle);
      delivered = ledger.counts.delivered;
      quietTurns = isBusy ? 0 : quietTurns + 1;
      if (quietTurns % QUIET_TURNS !== QUIET_TURNS - 1) return false;
      return ledger.findMissing() === null || quietTurns > SILENT_TURNS_MAX / 2;
    });
  }

  async #until(isMet: () => boolean): Promise<void> {
    let silentTurns = 0;
    let heard = this.#ledger.tick;
    while (!isMet()) {
      await pause(1);
      this.#throwFailure();
      if (this.#broker.hasExited) throw new Violation(this.#broker.failure ?? 'the broker is gone');
      silentTurns = heard === this.#ledger.tick ? silentTurns + 1 : 0;
      heard = this.#ledger.tick;
      if (silentTurns > SILENT_TURNS_MAX) {
        const unfinished = this.#actors.map(({ client }) => client.unfinished);
        throw new Violation(['unfinished:', ...unfinished].join('\n  '));
      }
    }
  }

  // ----------------------------------------------------------------------- private

  #config(): BrokerConfig {
    const { directory, seed } = this.#options;
    const random = new Random(seed);
    return {
      options: {
        server: { bind: '127.0.0.1:0', wsBind: 'none' },
        metrics: { enabled: false },
        mqtt: { maxInflight: 20 },
        storage: {
          dataDir: join(directory, 'data'),
          walDir: join(directory, 'wal'),
          memoryBuffer: random.pick([0, 20_000, 1_000_000]),
          compaction: { checkInterval: 100 },
        },
      },
      small: {
        wal: { segmentSize: 16_384, checkpointSize: random.pick([10_000, 50_000]) },
        compaction: { maxWalSize: random.pick([50_000, 200_000]) },
      },
    };
  }

  #updateReport(): void {
    const { acknowledged, delivered, repeated, wills } = this.#ledger.counts;
    Object.assign(this.report, { acknowledged, delivered, repeated, wills });
  }

  #throwFailure(): void {
    if (this.#broker.errors.length > 0) this.#failure ??= new Violation(this.#broker.errors[0]);
    if (this.#failure !== null) throw this.#failure;
  }

  #note(line: string): void {
    const ms = (performance.now() - this.#startedAt).toFixed(1);
    this.trace.push(`${ms} ms  ${line}`);
    if (this.trace.length > 2 * TRACE_LINES) this.trace.splice(0, TRACE_LINES);
  }
}
