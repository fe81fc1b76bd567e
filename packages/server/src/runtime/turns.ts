import { invariant } from '@promptmq/topics';
import type { Faults, Faulty } from './faults.ts';
import type { Runtime } from './runtime.ts';

/**
 * What one connection may do in a turn, in units of about a microsecond: some 10 ms. An ordinary read buffer takes less,
 * also with a hundred recipients of each message: they are written to once a turn, which is cheapest with much at a time.
 */
const UNITS_PER_SLICE = 12_000;

/**
 * From this many units on, connections that have not had their slice in this turn get a short one. Large packets wait: they are
 * not divided, and one from each of many adds up.
 */
const UNITS_PER_TURN = 30_000;
const UNITS_PER_SHORT_SLICE = 500;

/** A packet of at most this many bytes is within a short slice: who sends little does not wait for those who send much. */
const SMALL_PACKET_SIZE = 4096;

/** What work costs. Recipients and nodes of the trie are cheaper than a unit: they are powers of two to be shifted by. */
export const UnitsFor = {
  publish: 2,
  /** Any other packet: it is made into an object, and most are answered. */
  packet: 6,
  /** CONNECT, or AUTH before CONNACK. */
  opening: 50,
  /** A filter of a SUBSCRIBE or UNSUBSCRIBE. */
  filter: 8,
  /** A record of the log. */
  record: 6,
  recipientsShift: 3,
  nodesShift: 2,
  /** 2^charactersShift characters of a filter are a unit. */
  charactersShift: 5,
  /** 2^topicShift bytes of a topic name, which is checked, made a string and digested. */
  topicShift: 7,
  /** 2^bytesShift bytes of a PUBLISH are a unit. */
  bytesShift: 10,
  /** And of any other packet, of which strings are made: 10,000 user properties take some milliseconds. */
  objectBytesShift: 3,
} as const;

/** What is sent is copied, twice for each recipient: this many bytes are a unit. Of short messages, only their number counts. */
const SENT_BYTES_PER_UNIT = 1024;
const SHORT_MESSAGE_SIZE = 256;

/** A single message is no more, so that what is used stays a small number. */
const DELIVERY_UNITS_MAX = 1_000_000;

/** What it costs to send a payload of `size` bytes to this many recipients. */
export function unitsOfDelivery(recipients: number, size: number): number {
  const units = recipients >> UnitsFor.recipientsShift;
  if (size < SHORT_MESSAGE_SIZE) return units;
  return Math.min(units + (recipients * size) / SENT_BYTES_PER_UNIT, DELIVERY_UNITS_MAX) | 0;
}

/** What connections that wait for their turn may do in one, all together: as much is left for those who have just sent. */
const UNITS_FOR_WAITING = 12_000;

/** More than a turn ever takes; with these numbers V8 counts without making an object of each. */
const COUNT_MAX = 0x3fff_ffff;

/** A connection that has more to do than one may in a turn. */
export interface TurnTaker extends Faulty {
  /** Its turn has come again. */
  continue(): void;
}

/** What a connection has used of its slice. */
export interface Slice {
  /** The turn that it is of. */
  turn: number;
  /** Units that are left of it. */
  left: number;
}

/**
 * The budget of a turn: who has done as much as one may stops, in the middle of what it has been sent, and continues in
 * the next turn, after the others. So nobody waits for long, whatever one client sends at once.
 *
 * A turn ends when the input that was ready at its beginning has been processed: what was gathered for clients is
 * sent, then those who wait continue.
 *
 * Invariant: a connection waits once at most, and is not read from meanwhile.
 */
export class Turns {
  /** Units of what has been done in this turn; whoever works adds to it. */
  used: number;
  /** Where the present slice ends. */
  #limit: number;
  /** Counts turns. */
  #number: number;
  readonly #runtime: Runtime;
  readonly #faults: Faults;
  readonly #send: () => void;
  readonly #waiting: Set<TurnTaker>;
  readonly #endTurn: () => void;
  #isEndScheduled: boolean;

  /** @param send - sends what has been gathered in a turn; called at its end */
  constructor(runtime: Runtime, faults: Faults, send: () => void) {
    this.used = 0;
    this.#limit = COUNT_MAX;
    this.#number = 0;
    this.#runtime = runtime;
    this.#faults = faults;
    this.#send = send;
    this.#waiting = new Set();
    this.#endTurn = () => this.#end();
    this.#isEndScheduled = false;
  }

  /** Whether the connection that works has had its slice. */
  get isOver(): boolean {
    return this.used >= this.#limit;
  }

  /**
   * Whether so much has been done in this turn that who has not begun waits for the next one.
   *
   * @param size - of what has come from it, in bytes
   */
  isTooLate(size: number): boolean {
    return this.used > UNITS_PER_TURN && size > SMALL_PACKET_SIZE;
  }

  /** Whether the connection that works may do so much more in this turn. */
  hasRoomFor(units: number): boolean {
    return this.used + units < this.#limit;
  }

  /** Connections that have more to do than one may in a turn. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** A connection begins to work, or continues. */
  begin(slice: Slice): void {
    if (slice.turn !== this.#number) {
      slice.turn = this.#number;
      slice.left = this.used > UNITS_PER_TURN ? UNITS_PER_SHORT_SLICE : UNITS_PER_SLICE;
    }
    this.#limit = this.used + slice.left;
    this.endLater();
  }

  /** It stops: what it is outside of a slice has no limit. */
  end(slice: Slice): void {
    slice.left = Math.max(0, this.#limit - this.used);
    this.#limit = COUNT_MAX;
  }

  /** Has a connection continue in the next turn. */
  wait(connection: TurnTaker): void {
    this.#waiting.add(connection);
    this.endLater();
  }

  /** The connection has nothing more to do. */
  forget(connection: TurnTaker): void {
    this.#waiting.delete(connection);
  }

  /** Has this turn end when the input that is ready has been processed. */
  endLater(): void {
    if (this.#isEndScheduled) return;
    this.#isEndScheduled = true;
    this.#runtime.defer(this.#endTurn);
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    invariant(this.#limit === COUNT_MAX, 'a slice has not ended');
    const isForgotten = this.#waiting.size > 0 && !this.#isEndScheduled;
    invariant(!isForgotten, `${this.#waiting.size} connections wait for a turn that does not come`);
  }

  #end(): void {
    this.#isEndScheduled = false;
    this.#number = (this.#number + 1) & COUNT_MAX;
    this.used = 0;
    this.#send();
    // Those who wait again come after these, and have their turn in the next one.
    let count = this.#waiting.size;
    for (const connection of this.#waiting) {
      if (count-- === 0 || this.used >= UNITS_FOR_WAITING) break;
      this.#waiting.delete(connection);
      try {
        connection.continue();
      } catch (error) {
        this.#faults.caught(connection, 'receiving', error);
      }
    }
    if (this.#waiting.size > 0) this.endLater();
  }
}
