import {
  decodeBarrier,
  decodePassed,
  encodeBarrier,
  encodePassed,
  FrameType,
  type Link,
  type LinkSet,
  type LinkUser,
} from '@promptmq/cluster';
import type { PeersHost } from './host.ts';

/** What is asked of who forwards what is stored for other cells, and of who says what this cell keeps. */
export interface BarrierSources {
  /** Calls back when all that waits for these cells by now is applied there; before this returns where it is. */
  whenApplied(cells: readonly number[], onApplied: () => void): void;
  /** Calls back when all that this cell keeps by now has been said to another process; before this returns where it has. */
  whenSaid(link: Link, onSaid: () => void): void;
}

/** Numbers of questions are below this. */
const NUMBERS = 2 ** 32;

/** Who waits for the same. */
class Round {
  /** Cells whose retained messages are asked for. */
  readonly keepers: readonly number[];
  readonly onDone: ((isKnown: boolean) => void)[];
  /** Of the question that is asked now. */
  number: number;
  /** The cells that it is about; none in the second, which is only to be answered behind what was said. */
  about: readonly number[];
  isSecond: boolean;
  /** Who hasn't answered. */
  readonly missing: Set<number>;
  cancelTimer: () => void;
  beganAt: number;

  constructor(keepers: readonly number[]) {
    this.keepers = keepers;
    this.onDone = [];
    this.number = 0;
    this.about = [];
    this.isSecond = false;
    this.missing = new Set();
    this.cancelTimer = () => {};
    this.beganAt = 0;
  }
}

/**
 * Has who subscribes wait until the copies here have what was acknowledged before, in whichever cell. First all cells are asked, this one included, whether
 * what they had stored by then for the keepers is applied there; a keeper has said to all what it has applied before it
 * says that it is applied. So when the keepers answer then, what they have said is here, as the answer comes behind it.
 *
 * A cell to which there is no link is waited for, as it may have something that was acknowledged; but no longer than `cluster.subscribe-patience`, and
 * after that nobody waits for it until there is a link again. Who asks in one turn for the same waits together.
 *
 * Invariant: a round has begun as long as somebody is missing in it, and only then is there a timer.
 */
export class RetainedBarriers implements LinkUser {
  readonly #host: PeersHost;
  readonly #cell: number;
  readonly #others: ReadonlyMap<number, string>;
  readonly #links: LinkSet;
  readonly #sources: BarrierSources;
  /** Rounds that begin at the end of this turn, by their keepers. */
  readonly #gathered: Map<string, Round>;
  readonly #rounds: Map<number, Round>;
  /** Cells without a link for which somebody has waited too long. */
  readonly #givenUp: Set<number>;
  #lastNumber: number;

  constructor(
    host: PeersHost,
    cell: number,
    others: ReadonlyMap<number, string>,
    links: LinkSet,
    sources: BarrierSources,
  ) {
    this.#host = host;
    this.#cell = cell;
    this.#others = others;
    this.#links = links;
    this.#sources = sources;
    this.#gathered = new Map();
    this.#rounds = new Map();
    this.#givenUp = new Set();
    this.#lastNumber = 0;
    links.handle([FrameType.barrier], (link, body) => this.#onBarrier(link, body));
    links.handle([FrameType.barrierPassed], (link, body) => this.#onPassed(link, body));
    links.follow(this);
  }

  /**
   * Calls back when the copies here have all that was acknowledged by now of what some cells keep.
   *
   * @param keepers - each once, in their order; this one may be among them
   * @param onDone - with false when that isn't so in time; not before this returns
   */
  wait(keepers: readonly number[], onDone: (isKnown: boolean) => void): void {
    const key = keepers.join();
    let round = this.#gathered.get(key);
    if (round === undefined) {
      round = new Round(keepers);
      this.#gathered.set(key, round);
      if (this.#gathered.size === 1) this.#host.runtime.defer(() => this.#beginAll());
    }
    round.onDone.push(onDone);
  }

  #beginAll(): void {
    const gathered = [...this.#gathered.values()];
    this.#gathered.clear();
    for (const round of gathered) this.#begin(round);
  }

  #begin(round: Round): void {
    const { config, runtime } = this.#host;
    const patienceMs = config.cluster.subscribePatience;
    round.beganAt = runtime.now();
    round.cancelTimer = runtime.setTimer(patienceMs, () => this.#giveUp(round));
    round.about = round.keepers.filter((cell) => !this.#givenUp.has(cell));
    this.#ask(round, [this.#cell, ...this.#others.keys()]);
  }

  #ask(round: Round, cells: readonly number[]): void {
    this.#lastNumber = (this.#lastNumber + 1) % NUMBERS;
    round.number = this.#lastNumber;
    this.#rounds.set(round.number, round);
    for (const cell of cells) if (!this.#givenUp.has(cell)) round.missing.add(cell);
    if (round.missing.size === 0) this.#answered(round);
    for (const cell of [...round.missing]) {
      if (cell === this.#cell) this.#askHere(round);
      else this.#askThere(round, cell);
    }
  }

  #askHere({ number, about }: Round): void {
    const others = about.filter((cell) => cell !== this.#cell);
    this.#sources.whenApplied(others, () => this.#note(number, this.#cell));
  }

  #askThere({ number, about }: Round, cell: number): void {
    const link = this.#links.of(this.#others.get(cell) ?? '');
    link?.send(FrameType.barrier, encodeBarrier({ number, cells: about }));
  }

  /** A cell has answered a question. */
  #note(number: number, cell: number): void {
    const round = this.#rounds.get(number);
    if (round?.missing.delete(cell) === true && round.missing.size === 0) this.#answered(round);
  }

  /** All have answered the present question. */
  #answered(round: Round): void {
    this.#rounds.delete(round.number);
    const others = round.about.filter((cell) => cell !== this.#cell);
    if (round.isSecond || others.length === 0) {
      this.#end(round, true);
      return;
    }
    round.isSecond = true;
    round.about = [];
    this.#ask(round, others);
  }

  #giveUp(round: Round): void {
    const cells = [...round.missing];
    this.#rounds.delete(round.number);
    round.missing.clear();
    for (const cell of cells) {
      const node = this.#others.get(cell);
      if (node !== undefined && this.#links.of(node) === null) this.#givenUp.add(cell);
    }
    this.#host.stats.forwarding.barriersTimedOut++;
    this.#host.log.warn('retained-behind', { cells });
    this.#end(round, false);
  }

  #end({ cancelTimer, onDone, beganAt }: Round, isKnown: boolean): void {
    const { runtime, stats } = this.#host;
    cancelTimer();
    stats.forwarding.barrierWaits.observe((runtime.now() - beganAt) / 1000);
    for (const callback of onDone) callback(isKnown);
  }

  /** Nobody is called back any more. */
  stop(): void {
    for (const { cancelTimer } of this.#rounds.values()) cancelTimer();
    this.#rounds.clear();
    this.#gathered.clear();
  }

  // ------------------------------------------------------------------------- links

  onUp({ peer }: Link): void {
    for (const { cell } of peer.cells) {
      this.#givenUp.delete(cell);
      // What was asked before it was there, or was lost with the link before.
      for (const round of this.#rounds.values()) {
        if (round.missing.has(cell)) this.#askThere(round, cell);
      }
    }
  }

  #onPassed({ peer }: Link, body: Uint8Array): void {
    const number = decodePassed(body);
    for (const { cell } of peer.cells) this.#note(number, cell);
  }

  #onBarrier(link: Link, body: Uint8Array): void {
    const { number, cells } = decodeBarrier(body);
    const answer = () => link.send(FrameType.barrierPassed, encodePassed(number));
    if (cells.length === 0) {
      this.#sources.whenSaid(link, answer);
      return;
    }
    const others = cells.filter((cell) => cell !== this.#cell);
    this.#sources.whenApplied(others, answer);
  }
}
