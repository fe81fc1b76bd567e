import type { Clock } from '@promptmq/wal';
import type { EngineMap } from '../engine/engine.ts';
import type { MapView } from '../map/map-view.ts';
import { type CellRecord, cellKey, encodeRecord, FREE_CELL } from '../map/records.ts';
import { settledPut } from '../map/settled-put.ts';
import type { MemberTimes } from './member-options.ts';
import type { ClaimReason, MembershipEvent, MembershipHost } from './membership-host.ts';

/** How often a cell may end or not open here in a row before another node is to have it. */
const FAILURES_MAX = 3;

/** Before a cell that has ended is opened again, in milliseconds: at first, after a second time, and at most. */
const RETRY_MS = 100;
const RETRY_MS_NEXT = 1_000;
const RETRY_MS_MAX = 30_000;

export type GiveReason = 'leaving' | 'drained' | 'apart';

/** What the keeper of a cell needs of the member. */
export interface KeeperHost {
  readonly node: string;
  readonly incarnation: string;
  readonly map: EngineMap;
  readonly clock: Clock;
  readonly times: MemberTimes;
  readonly host: MembershipHost;
  readonly view: MapView;
  /** Whether the member hasn't stopped. */
  readonly isRunning: boolean;
  /** Whether the engine answers, and what the map has is known. */
  readonly canAct: boolean;
  /** Why this node is to own no cell; null when it may. */
  readonly giveReason: GiveReason | null;
  isEligible(node: string): boolean;
  /** Why nobody has the cell of a record; null when somebody does. */
  orphanReason(record: CellRecord): ClaimReason | null;
  /** How long a cell has to be without an owner before this node claims it, in milliseconds; null when it doesn't. */
  claimDelayMs(cell: number): number | null;
  /** The node to which a cell of this one is to go; null when there is none, or others have to go first. */
  giveTarget(cell: number): string | null;
  /** Whether another node could have cells. */
  readonly hasOthers: boolean;
  /** Whether each cell stays at its home. */
  readonly isBound: boolean;
  /** The node to which a cell of this one is to go for balance; null mostly. */
  balanceTarget(cell: number): string | null;
  /** A move hasn't come to pass: for balance, none begins for a while. */
  onMoveCancelled(): void;
  /** Takes what is known of a key. */
  take(key: string, value: Uint8Array | null, revision: number): void;
  onEvent(event: MembershipEvent): void;
  /** Something has changed: all is looked at again. */
  onChanged(): void;
}

/**
 * Has one cell be where it is to be, as far as this node can: claims it when it has no owner, serves it, and gives it away.
 *
 * It looks at the cell's record and at what is done here, and takes the next step; so it doesn't matter how things came to be as they are.
 *
 * Invariants: an epoch is given to `openCell` once. What is served here has been claimed in the map with its epoch.
 */
export class CellKeeper {
  readonly cell: number;
  readonly #member: KeeperHost;
  readonly #key: string;
  #phase: 'idle' | 'opening' | 'serving' | 'releasing' = 'idle';
  /** With which it is opened or served here. */
  #epoch = 0;
  /** The last one with which it was opened here. */
  #usedEpoch = 0;
  /** A step is under way: what is looked at would not last. */
  #isBusy = false;
  #preparation: 'none' | 'running' | 'done' = 'none';
  /** Since when it has no owner; null when it has one. */
  #orphanAt: number | null = null;
  /** Since when it is being moved away; null when it isn't. */
  #movingAt: number | null = null;
  /** Before this time it isn't moved for a reason of this node's own. */
  #moveNotBefore = 0;
  #servingAt = 0;
  /** How often it ended or was not opened, in a row. */
  #failures = 0;
  #retryAt = 0;

  constructor(cell: number, member: KeeperHost) {
    this.cell = cell;
    this.#member = member;
    this.#key = cellKey(cell);
  }

  /** The epoch with which it is served here; null when it isn't. */
  get servedEpoch(): number | null {
    return this.#phase === 'serving' ? this.#epoch : null;
  }

  /** Whether nothing of it is here, and the map doesn't say otherwise. */
  get isAway(): boolean {
    return this.#phase === 'idle' && !this.#isBusy && !this.#isMine(this.#record);
  }

  /** Whether a step of one that is served here is under way. */
  get isStepping(): boolean {
    return this.#isBusy && this.#phase !== 'idle';
  }

  /** Takes the next step, if there is one. */
  look(): void {
    const { isRunning, canAct, view } = this.#member;
    if (!isRunning || this.#isBusy || !view.isReadable(this.cell)) return;
    const record = this.#record;
    switch (this.#phase) {
      case 'idle':
        if (canAct) this.#lookIdle(record);
        return;
      case 'opening':
      case 'serving':
        if (!this.#isMine(record) || record.epoch !== this.#epoch) {
          void this.#abandon(`node ${record.node} has claimed it with epoch ${record.epoch}`);
        } else if (this.#phase === 'serving' && canAct) this.#lookServing(record);
        return;
      case 'releasing':
        return;
      default:
        this.#phase satisfies never;
    }
  }

  /** Others may own it: it is served here no longer. Resolves when it isn't. */
  async fence(why: string): Promise<void> {
    if (this.#phase === 'opening' || this.#phase === 'serving') await this.#abandon(why);
  }

  /** What served it with an epoch has ended by itself. */
  onEnded(epoch: number, why: string): void {
    if (this.#phase !== 'serving' || this.#epoch !== epoch) return;
    if (this.#now - this.#servingAt >= this.#member.times.steadyMs) this.#failures = 0;
    this.#fail(why);
  }

  // ------------------------------------------------------------------ not here

  #lookIdle(record: CellRecord): void {
    const { node, giveReason } = this.#member;
    if (this.#preparation !== 'none' && record.target !== node && !this.#isMine(record)) {
      void this.#dropPreparation();
      return;
    }
    if (this.#isMine(record)) {
      this.#orphanAt = null;
      this.#lookOwn(record);
      return;
    }
    const reason = this.#member.orphanReason(record);
    if (reason === null) {
      this.#orphanAt = null;
      const isAwaited = record.state === 'moving' && record.target === node;
      if (isAwaited && giveReason === null && !record.isPrepared) void this.#prepare();
      return;
    }
    this.#orphanAt ??= this.#now;
    const delayMs = this.#member.claimDelayMs(this.cell);
    if (delayMs === null || this.#now < Math.max(this.#orphanAt + delayMs, this.#retryAt)) return;
    void this.#claim(record, record.target === node ? 'move' : reason);
  }

  /** The map says that this process has it. */
  #lookOwn(record: CellRecord): void {
    const { giveReason, hasOthers, isBound } = this.#member;
    // While there is no other, one that is drained serves it rather than none.
    const isToBeGiven = giveReason === 'leaving' || (giveReason !== null && hasOthers);
    if (isToBeGiven || (this.#failures > FAILURES_MAX && !isBound)) {
      // The next time here is another beginning.
      this.#failures = Math.min(this.#failures, FAILURES_MAX);
      const target = record.target === this.#member.node ? null : record.target;
      const { epoch, isForgotten } = record;
      void this.#change({ ...FREE_CELL, epoch, target, isForgotten });
    } else if (record.state === 'opening' && record.epoch > this.#usedEpoch) {
      void this.#open(record.epoch);
    } else if (this.#now >= this.#retryAt) {
      void this.#claim(record, 'ended');
    }
  }

  async #claim(former: CellRecord, reason: ClaimReason): Promise<void> {
    const { node, incarnation } = this.#member;
    const epoch = Math.max(former.epoch, this.#usedEpoch) + 1;
    const next: CellRecord = {
      ...{ epoch, node, incarnation, state: 'opening', isPrepared: false },
      target: former.target === node ? null : former.target,
      isForgotten: former.isForgotten,
    };
    const from = former.node;
    await this.#change(next, () =>
      this.#member.onEvent({ kind: 'cell-claimed', cell: this.cell, epoch, reason, from }),
    );
  }

  async #open(epoch: number): Promise<void> {
    this.#phase = 'opening';
    this.#epoch = epoch;
    this.#usedEpoch = epoch;
    this.#preparation = 'none';
    let why: string | null = null;
    try {
      const outcome = await this.#member.host.openCell(this.cell, epoch);
      if (outcome === 'taken') why = 'another node has claimed its log';
    } catch (error) {
      why = (error as Error).message;
    }
    // Else it was released meanwhile.
    if (this.#phase !== 'opening' || this.#epoch !== epoch) return;
    if (why !== null) {
      this.#fail(why);
      return;
    }
    this.#phase = 'serving';
    this.#servingAt = this.#now;
    this.#member.onEvent({ kind: 'cell-serving', cell: this.cell, epoch });
    this.#member.onChanged();
  }

  #fail(why: string): void {
    this.#phase = 'idle';
    this.#failures++;
    const laterMs = RETRY_MS_NEXT * 2 ** Math.max(0, this.#failures - 2);
    const waitMs = this.#failures <= 1 ? RETRY_MS : Math.min(RETRY_MS_MAX, laterMs);
    this.#retryAt = this.#now + waitMs;
    this.#member.onEvent({ kind: 'cell-ended', cell: this.cell, epoch: this.#epoch, why });
    this.#member.onChanged();
  }

  async #prepare(): Promise<void> {
    const { host } = this.#member;
    if (this.#preparation === 'running') return;
    if (this.#preparation === 'none') {
      this.#preparation = 'running';
      try {
        await host.prepareCell?.(this.cell);
      } catch (error) {
        this.#preparation = 'none';
        await this.#refuseMove((error as Error).message);
        return;
      }
      this.#preparation = 'done';
    }
    const record = this.#record;
    const { node } = this.#member;
    if (record.state === 'moving' && record.target === node && !this.#isBusy) {
      await this.#change({ ...record, isPrepared: true });
    }
    this.#member.onChanged();
  }

  async #refuseMove(why: string): Promise<void> {
    const record = this.#record;
    this.#member.onEvent({ kind: 'move-cancelled', cell: this.cell, why });
    if (record.state !== 'moving' || record.target !== this.#member.node || this.#isBusy) return;
    await this.#change({ ...record, state: 'serving', target: null, isPrepared: false });
  }

  async #dropPreparation(): Promise<void> {
    this.#isBusy = true;
    await this.#member.host.releaseCell(this.cell, 'abandon');
    this.#preparation = 'none';
    this.#isBusy = false;
    this.#member.onChanged();
  }

  // ---------------------------------------------------------------------- here

  #lookServing(record: CellRecord): void {
    const { node, times } = this.#member;
    if (record.state === 'opening') {
      const target = record.target === node ? null : record.target;
      void this.#change({ ...record, state: 'serving', target, isForgotten: false });
    } else if (record.state === 'serving') this.#lookWhereTo(record);
    else if (record.target === null || !this.#member.isEligible(record.target)) {
      void this.#cancelMove(`node ${record.target} can not have it now`);
    } else if (record.isPrepared) void this.#give(record);
    else {
      this.#movingAt ??= this.#now;
      if (this.#now - this.#movingAt < times.prepareMs) return;
      void this.#cancelMove(`node ${record.target} was not prepared in time`);
    }
  }

  #lookWhereTo(record: CellRecord): void {
    const { node, giveReason, hasOthers } = this.#member;
    if (this.#movingAt !== null) this.#onMoveRefused();
    if (record.target === node) void this.#change({ ...record, target: null });
    else if (record.target !== null) {
      if (this.#member.isEligible(record.target)) this.#beginMove(record, record.target, 'asked');
      else void this.#cancelMove(`node ${record.target} can not have it now`);
    } else if (this.#now < this.#moveNotBefore) return;
    else if (giveReason !== null) {
      const target = this.#member.giveTarget(this.cell);
      if (target !== null) this.#beginMove(record, target, giveReason);
      else if (giveReason === 'leaving' && !hasOthers) void this.#give(record);
    } else {
      const target = this.#member.balanceTarget(this.cell);
      if (target !== null) this.#beginMove(record, target, 'balance');
    }
  }

  #beginMove(record: CellRecord, to: string, reason: GiveReason | 'asked' | 'balance'): void {
    const next: CellRecord = { ...record, state: 'moving', target: to, isPrepared: false };
    void this.#change(next, () => {
      this.#movingAt = this.#now;
      this.#member.onEvent({ kind: 'move-begun', cell: this.cell, to, reason });
    });
  }

  async #cancelMove(why: string): Promise<void> {
    this.#member.onEvent({ kind: 'move-cancelled', cell: this.cell, why });
    this.#onMoveRefused();
    const next: CellRecord = { ...this.#record, state: 'serving', target: null, isPrepared: false };
    await this.#change(next);
  }

  /** The same target would hardly do better at once. */
  #onMoveRefused(): void {
    this.#movingAt = null;
    this.#moveNotBefore = this.#now + this.#member.times.settleMs;
    this.#member.onMoveCancelled();
  }

  /** Ends it here in order, and frees it for its target. */
  async #give(record: CellRecord): Promise<void> {
    this.#isBusy = true;
    this.#phase = 'releasing';
    await this.#member.host.releaseCell(this.cell, 'move');
    this.#phase = 'idle';
    this.#failures = 0;
    this.#retryAt = 0;
    this.#movingAt = null;
    const { target } = record;
    await this.#change({ ...FREE_CELL, epoch: record.epoch, target });
  }

  async #abandon(why: string): Promise<void> {
    const epoch = this.#epoch;
    this.#phase = 'releasing';
    await this.#member.host.releaseCell(this.cell, 'abandon');
    this.#phase = 'idle';
    this.#member.onEvent({ kind: 'cell-ended', cell: this.cell, epoch, why });
    this.#member.onChanged();
  }

  // -------------------------------------------------------------------- record

  get #record(): CellRecord {
    return this.#member.view.cell(this.cell).record;
  }

  get #now(): number {
    return this.#member.clock.now();
  }

  /** Whether this process has claimed it last. */
  #isMine({ node, incarnation }: CellRecord): boolean {
    return node === this.#member.node && incarnation === this.#member.incarnation;
  }

  /** Changes the record as it is known; where it has been changed meanwhile, what to do is looked at again. */
  async #change(next: CellRecord, onDone: () => void = () => {}): Promise<void> {
    const { map, clock, view } = this.#member;
    this.#isBusy = true;
    const value = encodeRecord(next);
    const { revision } = view.cell(this.cell);
    const isWanted = () => this.#member.isRunning;
    const outcome = await settledPut(map, clock, this.#key, value, revision, isWanted);
    this.#isBusy = false;
    if (outcome.kind === 'given-up') return;
    if (outcome.kind === 'set') {
      this.#member.take(this.#key, value, outcome.revision);
      onDone();
    } else if (outcome.found !== null) {
      this.#member.take(this.#key, outcome.found.value, outcome.found.revision);
    } else this.#member.take(this.#key, null, revision + 1);
    this.#member.onChanged();
  }
}
