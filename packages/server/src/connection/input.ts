import { PacketError, ReasonCode } from '@promptmq/codec';
import { invariant } from '@promptmq/topics';
import type { PacketDispatcher } from '../protocol/packet-dispatcher.ts';
import type { MemoryLedger } from '../runtime/memory-ledger.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { Turns, TurnTaker } from '../runtime/turns.ts';
import type { Output } from './output.ts';
import type { PacketSender } from './sender/packet-sender.ts';
import type { ConnectionTimeouts } from './timeouts.ts';
import type { Transport } from './transport.ts';

/** Bytes that a client may always have of a packet that has begun, however many others have. */
const INPUT_BYTES_MIN = 65_536;

/** What input needs of the house. */
export interface InputHost {
  readonly stats: Pick<BrokerStats, 'publishersHeldBack' | 'turnsWaited'>;
  readonly memory: Pick<MemoryLedger, 'input'>;
  readonly runtime: Pick<Runtime, 'now'>;
  readonly turns: Pick<Turns, 'wait' | 'forget'>;
}

/** What input sees of its connection. */
export interface InputConnection extends TurnTaker {
  readonly transport: Pick<Transport, 'remoteAddress' | 'pause' | 'resume'>;
  readonly output: Output;
  readonly sender: Pick<PacketSender, 'hasAnswered'>;
  readonly timeouts: Pick<ConnectionTimeouts, 'expectRest' | 'onReadingResumed'>;
  /** Whether nothing more is sent or processed. */
  readonly isEnding: boolean;
  readonly isConnected: boolean;
  /** When the bytes came that are processed now, or came last; set here. */
  receivedAt: number;
}

/**
 * What has come from one client, as far as it isn't done: how much of it is done in a turn, what it may take of the memory,
 * and when the client isn't read from.
 *
 * Invariant: the transport is paused exactly while there are accounts on which the client isn't read from; one of them is that it
 * waits for its turn.
 */
export class Input {
  readonly #host: InputHost;
  readonly #connection: InputConnection;
  readonly #dispatcher: PacketDispatcher;
  /** Bytes that are counted in the broker's memory. */
  #countedBytes: number;
  /** Whether there is more to do than one may in a turn. */
  #isWaiting: boolean;
  /** Whether the client isn't read from until it has taken answers. */
  #isOwedAnswers: boolean;
  /** On how many accounts it isn't read from. */
  #pauseCount: number;

  constructor(host: InputHost, connection: InputConnection, dispatcher: PacketDispatcher) {
    this.#host = host;
    this.#connection = connection;
    this.#dispatcher = dispatcher;
    this.#countedBytes = 0;
    this.#isWaiting = false;
    this.#isOwedAnswers = false;
    this.#pauseCount = 0;
  }

  /** Bytes that came and were not processed: a part of a packet, or what follows CONNECT while that is decided on. */
  get bufferedBytes(): number {
    return this.#dispatcher.bufferedBytes;
  }

  /** Whether packets have come whole, and wait for the next turn. */
  get isLeft(): boolean {
    return this.#isWaiting && this.#hasMore;
  }

  get #hasMore(): boolean {
    return this.#dispatcher.hasMore && !this.#connection.isEnding;
  }

  // ------------------------------------------------------------------- processing

  /** @param chunk - the input's from now on */
  push(chunk: Uint8Array): void {
    this.#connection.receivedAt = this.#host.runtime.now();
    this.#dispatcher.push(chunk);
    this.#afterPackets();
  }

  /**
   * The client's turn has come again. Who is held back for others continues when they let it.
   *
   * @param isLast - nothing more will come, and nobody waits for the client to take something
   * @returns whether all that had come is done
   */
  continue(isLast: boolean): boolean {
    if (this.#pauseCount > 1 && !isLast) return false;
    this.#connection.receivedAt = this.#host.runtime.now();
    this.#dispatcher.continue();
    if (this.#dispatcher.hasMore) {
      this.#afterPackets();
      return false;
    }
    this.#isWaiting = false;
    return true;
  }

  /** All that had come is done: reads on. */
  readOn(): void {
    this.resume();
    this.#afterPackets();
  }

  /** The answer to CONNECT takes a while: nothing is read or processed until `decide`. */
  suspend(): void {
    this.#dispatcher.suspend();
    this.pause();
  }

  /** CONNECT is decided on: continues with what followed it (§3.1.4). */
  decide(): void {
    this.resume();
    this.#connection.receivedAt = this.#host.runtime.now();
    this.#dispatcher.resume();
    this.#afterPackets();
  }

  #afterPackets(): void {
    // Mostly all has been done, and nothing of a packet kept.
    if (!this.#dispatcher.isIdle || this.#countedBytes > 0) {
      if (this.#hasMore) this.#waitForTurn();
      if (this.bufferedBytes > 0 && this.#connection.isConnected) {
        this.#connection.timeouts.expectRest();
      }
      this.#count();
    }
    if (this.#connection.sender.hasAnswered) this.#awaitAnswersTaken();
  }

  /** It has done as much as one may in a turn: it isn't read from until it has done the rest. */
  #waitForTurn(): void {
    if (!this.#isWaiting) {
      this.#isWaiting = true;
      this.#host.stats.turnsWaited++;
      this.pause();
    }
    this.#host.turns.wait(this.#connection);
  }

  /** Of all clients that have sent a part of a packet, those with the largest give way when memory runs short. */
  #count(): void {
    const { bufferedBytes } = this;
    if (bufferedBytes === this.#countedBytes) return;
    const { input } = this.#host.memory;
    input.bytes += bufferedBytes - this.#countedBytes;
    this.#countedBytes = bufferedBytes;
    if (bufferedBytes <= INPUT_BYTES_MIN || bufferedBytes <= input.allowance) return;
    if (input.allowance === input.clientMax) return;
    input.refusals++;
    this.#connection.refuse(
      new PacketError(
        ReasonCode.QuotaExceeded,
        '§4.13',
        0,
        'no room for so large a packet (mqtt.max-input-total)',
      ),
    );
  }

  // ---------------------------------------------------------------------- reading

  /** Whether the client isn't read from. */
  get isPaused(): boolean {
    return this.#pauseCount > 0;
  }

  /** Stops reading from it; reading continues after as many calls of `resume`. */
  pause(): void {
    this.#pauseCount++;
    if (this.#pauseCount === 1) this.#connection.transport.pause();
  }

  resume(): void {
    this.#pauseCount--;
    if (this.#pauseCount === 1 && this.#isWaiting) this.#host.turns.wait(this.#connection);
    if (this.#pauseCount > 0) return;
    this.#connection.receivedAt = this.#host.runtime.now();
    this.#connection.timeouts.onReadingResumed();
    this.#connection.transport.resume();
  }

  /** A client that doesn't read what it is answered is not read from either, until it has. */
  #awaitAnswersTaken(): void {
    const { sender, output } = this.#connection;
    sender.hasAnswered = false;
    if (this.#isOwedAnswers || output.pendingBytes <= output.allowance) return;
    this.#isOwedAnswers = true;
    this.#host.stats.publishersHeldBack++;
    this.pause();
  }

  /** The client has taken something of what it was sent. */
  onTaken(): void {
    if (!this.#isOwedAnswers) return;
    const { pendingBytes, memory } = this.#connection.output;
    if (pendingBytes > memory.allowance / 2) return;
    this.#isOwedAnswers = false;
    this.resume();
  }

  /** What is counted in the broker's memory. */
  get countedBytes(): number {
    return this.#countedBytes;
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    const { bufferedBytes } = this;
    const { isEnding } = this.#connection;
    invariant(this.#pauseCount >= 0, `it is read from ${-this.#pauseCount} times`);
    invariant(!this.#isWaiting || this.#pauseCount > 0, 'it waits for its turn, and is read from');
    invariant(
      bufferedBytes === this.#countedBytes,
      `${this.#countedBytes} bytes of input counted of ${bufferedBytes}`,
    );
    invariant(!isEnding || bufferedBytes === 0, 'input is kept of a connection that is over');
  }

  // ---------------------------------------------------------------------- closing

  /** Forgets what has come and was not processed. */
  reset(): void {
    this.#dispatcher.reset();
    this.#count();
  }
}
