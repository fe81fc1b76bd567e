import type { EngineMap } from '../../src/engine/engine.ts';
import {
  cancelDrain,
  forgetNode,
  type RequestOutcome,
  requestDrain,
  requestMove,
} from '../../src/map/requests.ts';
import { MembershipWorld, type ModelNode } from './membership-model.ts';

/** Disturbances of a run. */
const EVENTS = 25;

/** After the last one, all cells are served within this time, in milliseconds: the longest pause after failures, and a failover. */
const SERVED_MS = 45_000;

/** And as many by each node: a move that was refused keeps others from being made for balance for a while. */
const BALANCED_MS = 200_000;

/** Nothing moves then. */
const STEADY_MS = 20_000;

/** What happened, to see that seeds do what they are for. */
export interface RunCounts {
  readonly served: number;
  readonly moves: number;
  readonly fenced: number;
  readonly late: number;
  readonly cancelled: number;
  readonly failed: number;
  readonly apart: number;
  readonly kills: number;
  readonly pauses: number;
  readonly cuts: number;
  readonly elections: number;
  readonly requests: number;
  readonly leaves: number;
}

/**
 * Three to five nodes, each of which may be killed, paused, cut off from the engine and from others, drained, and leave in order, at any moment,
 * on an engine that delays and loses. In the end a majority is well: all cells are served, as many by each node, and stay where they are.
 *
 * @throws what was violated
 */
export async function runMembership(
  seed: number,
  onEvent: (text: string) => void = () => {},
): Promise<RunCounts> {
  const run = new MembershipRun(seed, onEvent);
  await run.run();
  return { ...run.world.counts, ...run.counts };
}

class MembershipRun {
  readonly world: MembershipWorld;
  readonly #names: readonly string[];
  /** What an operator has of the engine. */
  readonly #map: EngineMap;
  readonly #onEvent: (text: string) => void;
  /** Nothing is disturbed any more. */
  #isHealed = false;
  readonly counts = { kills: 0, pauses: 0, cuts: 0, elections: 0, requests: 0, leaves: 0 };

  constructor(seed: number, onEvent: (text: string) => void) {
    this.#onEvent = onEvent;
    this.world = new MembershipWorld({ seed, nodes: 3 + (seed % 3), onEvent });
    const { random, servers } = this.world;
    this.#names = [...this.world.nodes.keys()];
    this.#map = servers.client().map;
    const often = () => (random.chance(0.5) ? random.next() * 0.2 : 0);
    servers.faults = {
      ...servers.faults,
      delayMsMax: random.pick([1, 10, 100]),
      lostRequests: often(),
      lostAnswers: often(),
      lateRequests: often(),
      staleReads: often(),
      staleValues: often(),
      brokenReads: often() / 10,
    };
  }

  async run(): Promise<void> {
    const { world } = this;
    const { random } = world;
    for (let events = 0; events < EVENTS; events++) {
      await world.run(random.chance(0.3) ? random.next() * 20_000 : random.next() * 2_000);
      this.#disturb();
    }
    this.#heal();
    // What is there begins to be known.
    await world.run(5_000);
    await world.until('all cells are served', () => this.#isServed(), SERVED_MS);
    await world.until('each node serves as many', () => this.#isBalanced(), BALANCED_MS);
    const owners = world.owners().join();
    for (let passedMs = 0; passedMs < STEADY_MS; passedMs += 500) {
      await world.run(500);
      if (world.owners().join() !== owners) {
        throw new Error(`cells move though all is well\n${world.describe()}`);
      }
    }
  }

  #disturb(): void {
    const { random, servers } = this.world;
    const node = this.world.nodes.get(random.pick(this.#names)) as ModelNode;
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
        this.#killOrStart(node);
        return;
      case 3:
      case 4:
        this.#pause(node);
        return;
      case 5:
      case 6:
        this.counts.cuts++;
        this.#note(`${node.name}: engine ${node.engine.isCut ? 'back' : 'cut'}`);
        node.engine.isCut = !node.engine.isCut;
        return;
      case 7:
        this.counts.elections++;
        this.#note('election');
        servers.elect(random.pick([4_000, 9_000, 9_000, 60_000]));
        return;
      case 8:
      case 9:
        this.#cutLinks(node);
        return;
      case 10:
        node.crashCell(random.below(this.world.cells));
        return;
      case 11:
        this.#leave(node);
        return;
      case 12:
        this.#note(`${node.name}: ${node.isBroken ? 'mended' : 'broken'}`);
        node.isBroken = !node.isBroken;
        return;
      case 13:
        this.#request(requestMove(this.#map, this.world.clock, random.below(6), node.name));
        return;
      case 14:
        this.#request(requestDrain(this.#map, this.world.clock, node.name));
        return;
      default:
        this.#request(
          random.chance(0.7)
            ? cancelDrain(this.#map, this.world.clock, node.name)
            : forgetNode(this.#map, this.world.clock, node.name),
        );
    }
  }

  #killOrStart(node: ModelNode): void {
    if (!node.isRunning) {
      this.world.start(node.name);
      return;
    }
    this.counts.kills++;
    node.kill();
    // It may be started again before the others find that it is late.
    if (this.world.random.chance(0.3)) this.world.start(node.name);
  }

  #pause(node: ModelNode): void {
    if (!node.isRunning || node.process.isPaused) return;
    const { random, clock } = this.world;
    this.counts.pauses++;
    this.#note(`${node.name} pauses`);
    node.process.pause();
    clock.setTimer(random.pick([300, 3_000, 10_000, 40_000]) * random.next(), () => {
      this.#note(`${node.name} goes on`);
      node.process.resume();
    });
  }

  #cutLinks(node: ModelNode): void {
    const { random, cutLinks } = this.world;
    if (random.chance(0.4)) {
      cutLinks.clear();
      return;
    }
    for (const other of this.#names) {
      if (other === node.name || random.chance(0.5)) continue;
      this.#note(`${node.name} and ${other}: no link`);
      this.world.cutLink(node.name, other);
    }
  }

  #leave(node: ModelNode): void {
    if (!node.isRunning || node.process.isPaused) return;
    this.counts.leaves++;
    void node.leave();
    const name = node.name;
    // As when the time to stop is over.
    this.world.clock.setTimer(20_000, () => {
      if (this.#isHealed || this.world.nodes.get(name) !== node) return;
      if (!node.hasLeft) node.kill();
      this.world.start(name);
    });
  }

  #request(outcome: Promise<RequestOutcome>): void {
    this.counts.requests++;
    outcome.then(
      (value) => this.#note(`request: ${JSON.stringify(value)}`),
      (error) => this.#note(`request: ${error}`),
    );
  }

  /** All is well again, but for one node that may stay away. */
  #heal(): void {
    const { random, cutLinks, servers, nodes } = this.world;
    this.#note('all is well');
    this.#isHealed = true;
    servers.faults = { ...servers.faults, ...QUIET };
    servers.endElection();
    cutLinks.clear();
    const away = random.chance(0.5) ? random.pick(this.#names) : null;
    for (const name of this.#names) {
      const node = nodes.get(name) as ModelNode;
      node.isBroken = false;
      node.process.resume();
      node.engine.isCut = false;
      if (name === away) {
        if (node.isRunning) node.kill();
      } else if (!node.isRunning || node.why === 'superseded') this.world.start(name);
    }
  }

  #isServed(): boolean {
    const { world } = this;
    const isWritten = world.writtenAt.every((at) => world.now - at < 2_000);
    return isWritten && world.owners().every((owner) => owner !== null);
  }

  #isBalanced(): boolean {
    const { world } = this;
    const owners = world.owners();
    // Those that an operator wants drained have none.
    const drained = new Set(
      world.running.filter(({ name }) => world.isDrained(name)).map(({ name }) => name),
    );
    const mayHave = world.running.filter(({ name }) => !drained.has(name));
    if (mayHave.length === 0) return this.#isServed();
    if (owners.some((owner) => owner === null || drained.has(owner))) return false;
    const loads = mayHave.map(({ name }) => owners.filter((owner) => owner === name).length);
    return Math.max(...loads) - Math.min(...loads) <= 1 && this.#isServed();
  }

  #note(text: string): void {
    this.#onEvent(`${(this.world.now / 1_000).toFixed(3)} ${text}`);
  }
}

const QUIET = {
  lostRequests: 0,
  lostAnswers: 0,
  lateRequests: 0,
  brokenReads: 0,
  staleReads: 0,
  staleValues: 0,
};
