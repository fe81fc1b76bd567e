import type { Clock } from '@promptmq/wal';
import { EngineError, type EngineMap } from '../engine/engine.ts';
import { decodeNode, encodeRecord, type NodeRecord, nodeKey } from '../map/records.ts';

/** Heartbeats of which it is remembered when they were sent. */
const SENT_MAX = 64;

/** What a node's record says besides what its heartbeat adds. */
export type NodeContent = Omit<NodeRecord, 'incarnation' | 'beat' | 'timeMs'>;

export interface HeartbeatOptions {
  readonly map: EngineMap;
  readonly clock: Clock;
  readonly node: string;
  readonly incarnation: string;
  readonly heartbeatMs: number;
  /** What to say now. */
  readonly content: () => NodeContent;
  /** The engine has taken one. */
  readonly onTaken: (value: Uint8Array, revision: number) => void;
  /** Another process has written the record: it began later. */
  readonly onSuperseded: () => void;
}

/**
 * Puts a node's record again and again, one at a time.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #key: string;
  /** Of the record that the next one replaces. */
  #revision = 0;
  #beat = 0;
  readonly #sentAt = new Map<number, number>();
  #isPutting = false;
  /** There is more to say than what is being put. */
  #isNews = false;
  /** Whether the record was this process's. */
  #hasBegun = false;
  #hasEnded = false;
  #cancelTimer = () => {};

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#key = nodeKey(options.node);
  }

  /** Puts the record at once, or when the attempt under way has ended. */
  send(): void {
    if (this.#hasEnded) return;
    this.#isNews = true;
    if (!this.#isPutting) void this.#put();
  }

  /** When a heartbeat was sent; null when that was long ago, or it wasn't. */
  sentAt(beat: number): number | null {
    return this.#sentAt.get(beat) ?? null;
  }

  end(): void {
    this.#hasEnded = true;
    this.#cancelTimer();
  }

  /** Removes the record, after `end`: others need not wait until it is late. Never rejects. */
  async remove(): Promise<void> {
    const { map } = this.#options;
    while (this.#isPutting) await this.#pause();
    for (let attempts = 0; attempts < 3; attempts++) {
      if ((await map.remove(this.#key, this.#revision)) === 'removed') return;
      // A heartbeat may have been taken whose outcome wasn't known.
      await this.#look();
    }
  }

  async #put(): Promise<void> {
    const { map, clock, incarnation, heartbeatMs, content } = this.#options;
    this.#cancelTimer();
    this.#isPutting = true;
    this.#isNews = false;
    const sentAt = clock.now();
    const beat = ++this.#beat;
    this.#sentAt.set(beat, sentAt);
    this.#sentAt.delete(beat - SENT_MAX);
    const record = { ...content(), incarnation, beat, timeMs: clock.wallNow() };
    const value = encodeRecord(record);
    const outcome = await map.put(this.#key, value, this.#revision);
    let isToBeRepeated = false;
    if (typeof outcome === 'number') {
      this.#revision = outcome;
      this.#hasBegun = true;
      if (!this.#hasEnded) this.#options.onTaken(value, outcome);
    } else if (outcome === 'conflict') isToBeRepeated = await this.#look();
    this.#isPutting = false;
    if (this.#hasEnded) return;
    if (this.#isNews || isToBeRepeated) {
      void this.#put();
      return;
    }
    const waitMs = Math.max(heartbeatMs / 4, sentAt + heartbeatMs - clock.now());
    this.#cancelTimer = clock.setTimer(waitMs, () => this.send());
  }

  /** @returns whether the record is known now, and may be replaced */
  async #look(): Promise<boolean> {
    const { map, incarnation } = this.#options;
    try {
      const found = await map.get(this.#key);
      if (found === null) {
        // It was forgotten, or what is read is old.
        const isNew = this.#revision > 0;
        this.#revision = 0;
        return isNew;
      }
      if (found.revision <= this.#revision) return false;
      const isOwn = isOf(incarnation, this.#key, found.value);
      if (!isOwn && this.#hasBegun) {
        this.end();
        this.#options.onSuperseded();
        return false;
      }
      this.#hasBegun ||= isOwn;
      this.#revision = found.revision;
      return true;
    } catch (error) {
      if (error instanceof EngineError) return false;
      throw error;
    }
  }

  #pause(): Promise<void> {
    const { clock, heartbeatMs } = this.#options;
    return new Promise((resolve) => {
      clock.setTimer(heartbeatMs / 10, resolve);
    });
  }
}

/** A record that can't be read is somebody else's. */
function isOf(incarnation: string, key: string, value: Uint8Array): boolean {
  try {
    return decodeNode(key, value).incarnation === incarnation;
  } catch {
    return false;
  }
}
