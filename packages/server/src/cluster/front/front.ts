import type { Channel, ChannelUser } from '@promptmq/cluster';
import type { PacketError } from '@promptmq/codec';
import type { Transport, TransportHandler } from '../../connection/transport.ts';
import { encodeRefusal } from './channel-transport.ts';
import { findClientId, unavailable } from './connect-client-id.ts';
import { useAnotherServer } from './server-reference.ts';

/** What a front needs of the process that it is of. */
export interface FrontHost {
  /** Whether no client is to be served: each that connects is refused. */
  readonly isClosed: boolean;
  /** Bytes of the largest CONNECT that is accepted, without its fixed header. */
  readonly connectSizeMax: number;
  /** How long a client waits for the process that has its session, in milliseconds; then it is refused. */
  readonly patienceMs: number;
  /** Whether a client has its session in this process. */
  isOwn(clientId: Uint8Array): boolean;
  /**
   * Who has no client identifier is served by a process that draws one.
   *
   * @returns an identifier that falls to that process; null where this one draws
   */
  nameless(): Uint8Array | null;
  /**
   * Where a client had better connect, which isn't to be passed on.
   *
   * @returns null where it is
   */
  referenceFor(clientId: Uint8Array, transport: Transport): string | null;
  /** Calls back after a time. @returns a function that cancels it */
  setTimer(delayMs: number, callback: () => void): () => void;
  /** A client has waited for too long, or can't be served, and is refused. */
  onRefused(transport: Transport): void;
  /**
   * Gives the connection of a client to the process that has its session, which reads it from there on.
   *
   * @param read - what has been read of it
   * @returns false when that can't be done, and nothing was done
   */
  giveAway(clientId: Uint8Array, transport: Transport, read: Uint8Array): boolean;
  /**
   * Opens a channel to the process that has the session of a client.
   *
   * @param use - gives what the channel reports to
   * @returns null while that process can't be reached
   */
  openChannel(
    clientId: Uint8Array,
    transport: Transport,
    use: (channel: Channel) => ChannelUser,
  ): Channel | null;
  /**
   * Calls back once when the process that has the session of a client may be reached.
   *
   * @returns a function that cancels it
   */
  whenReachable(clientId: Uint8Array, callback: () => void): () => void;
}

/**
 * Stands between the listeners of a process and its broker: what has come of a connection is looked at until the client identifier is
 * known; then it is served here, or by the process that has the client's session.
 *
 * Until then, and with all that is no proper CONNECT, the broker of this process has the connection: its limits, time-outs and answers are the same
 * as without a front.
 */
export class Front {
  readonly host: FrontHost;
  #relayed = 0;
  #onDrained: (() => void) | null = null;
  /** Those that were given away so far. */
  givenAway = 0;
  /** Those that were told of another node so far. */
  sentElsewhere = 0;

  constructor(host: FrontHost) {
    this.host = host;
  }

  /** Connections whose bytes are passed on just now. */
  get relayed(): number {
    return this.#relayed;
  }

  /** Resolves when there are none any more, or after a time. */
  async drained(timeoutMs: number): Promise<void> {
    if (this.#relayed === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** One more is passed on. */
  begin(): void {
    this.#relayed++;
  }

  /** One isn't any more. */
  end(): void {
    this.#relayed--;
    if (this.#relayed === 0) this.#onDrained?.();
  }

  /** As `Broker.intercept`. */
  intercept(
    transport: Transport,
    accept: (transport: Transport) => TransportHandler | null,
  ): TransportHandler | null {
    const broker = accept(transport);
    return broker === null ? null : new FrontHandler(this, transport, broker);
  }
}

const EMPTY = new Uint8Array(0);

/** How long a client that was refused may take to close, in milliseconds. */
const CLOSE_MS = 1000;

/**
 * What a transport reports to, from its first byte on.
 *
 * Invariants: while `#clientId` is null, nothing that has come was passed on; `#broker` is whoever gets what is reported: the broker of
 * this process, or a relay to that of another one.
 */
class FrontHandler implements TransportHandler {
  readonly #front: Front;
  readonly #transport: Transport;
  #broker: TransportHandler;
  #isDecided = false;
  /** What came before it was known whose it is. */
  #read: Uint8Array = EMPTY;
  #hasEnded = false;
  /** Set while the process that has the session can't be reached. */
  #stopWaiting: (() => void) | null = null;
  /** Once it has had to wait. */
  #cancelPatience: (() => void) | null = null;
  /** Who it is served as, once that is known. */
  #servedAs: Uint8Array | null = null;

  constructor(front: Front, transport: Transport, broker: TransportHandler) {
    this.#front = front;
    this.#transport = transport;
    this.#broker = broker;
  }

  onData(chunk: Uint8Array): void {
    if (this.#isDecided) {
      this.#broker.onData(chunk);
      return;
    }
    this.#read = this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk]);
    if (this.#stopWaiting === null) this.#decide();
  }

  onWritten(chunk: Uint8Array): void {
    this.#broker.onWritten(chunk);
  }

  get isConnected(): boolean {
    return this.#broker.isConnected;
  }

  refuse(error: PacketError): void {
    if (!this.#isDecided) this.#serveHere();
    this.#broker.refuse(error);
  }

  onEnd(): void {
    this.#hasEnded = true;
    // Of a client that waits for its process, what it has sent still counts.
    if (this.#stopWaiting === null) this.#broker.onEnd();
  }

  onClose(error: Error | null): void {
    this.#stopWaiting?.();
    this.#cancelPatience?.();
    this.#broker.onClose(error);
  }

  #decide(): void {
    const { host } = this.#front;
    const found = findClientId(this.#read, host.connectSizeMax);
    if (found === 'more') return;
    if (found !== 'none' && host.isClosed) {
      this.#giveUp();
      return;
    }
    const clientId = found === 'none' ? null : this.#nameOf(found);
    if (clientId === null || host.isOwn(clientId)) {
      this.#serveHere();
      return;
    }
    if (this.#sendElsewhere(clientId) || this.#serveThere(clientId)) return;
    this.#transport.pause();
    this.#cancelPatience ??= host.setTimer(host.patienceMs, () => this.#giveUp());
    this.#stopWaiting = host.whenReachable(clientId, () => {
      this.#stopWaiting = null;
      this.#decide();
    });
  }

  /** @returns null where the broker of this process is to draw an identifier */
  #nameOf(found: Uint8Array): Uint8Array | null {
    if (found.length > 0) return found;
    this.#servedAs ??= this.#front.host.nameless();
    return this.#servedAs;
  }

  /** Nobody serves the client for now: it may try again, here or elsewhere. */
  #giveUp(): void {
    const answer = unavailable(this.#read);
    this.#stopWaiting?.();
    this.#front.host.onRefused(this.#transport);
    this.#answer(answer);
  }

  /** @returns false for a client that is to be passed on */
  #sendElsewhere(clientId: Uint8Array): boolean {
    const reference = this.#front.host.referenceFor(clientId, this.#transport);
    const answer = reference === null ? null : useAnotherServer(this.#read, reference);
    if (answer === null) return false;
    this.#front.sentElsewhere++;
    this.#answer(answer);
    return true;
  }

  /** The last that the client hears of here. */
  #answer(answer: Uint8Array): void {
    const transport = this.#transport;
    this.#leave(this.#broker, NOBODY);
    transport.write(answer);
    transport.end();
    // Its end is read.
    transport.resume();
    this.#front.host.setTimer(CLOSE_MS, () => transport.destroy());
  }

  #serveHere(): void {
    this.#cancelPatience?.();
    const read = this.#read;
    this.#read = EMPTY;
    this.#isDecided = true;
    if (read.length > 0) this.#broker.onData(read);
  }

  /** @returns false while the process can't be reached */
  #serveThere(clientId: Uint8Array): boolean {
    const { host } = this.#front;
    const local = this.#broker;
    const read = this.#read;
    if (!this.#hasEnded && host.giveAway(clientId, this.#transport, read)) {
      this.#front.givenAway++;
      this.#leave(local, NOBODY);
      return true;
    }
    let relay: Relay | null = null as Relay | null;
    host.openChannel(clientId, this.#transport, (channel) => {
      relay = new Relay(this.#transport, channel, () => this.#front.end());
      return relay.end;
    });
    if (relay === null) return false;
    this.#front.begin();
    this.#leave(local, relay);
    // A client that had to wait was not read from.
    this.#transport.resume();
    this.#broker.onData(read);
    if (this.#hasEnded) this.#broker.onEnd();
    return true;
  }

  /** For the broker of this process, the connection is over before its CONNECT has come. */
  #leave(local: TransportHandler, next: TransportHandler): void {
    this.#cancelPatience?.();
    this.#isDecided = true;
    this.#read = EMPTY;
    this.#broker = next;
    local.onClose(null);
  }
}

/** Nothing more comes of it here. */
const NOBODY: TransportHandler = {
  onData: () => {},
  onWritten: () => {},
  isConnected: false,
  refuse: () => {},
  onEnd: () => {},
  onClose: () => {},
};

/**
 * Passes the bytes of a connection on, both ways, between its transport and a channel.
 *
 * Invariant: the transport is paused exactly while something of it waits in the channel.
 */
class Relay implements TransportHandler {
  readonly #transport: Transport;
  readonly #channel: Channel;
  readonly #onOver: () => void;
  #isPaused = false;
  #isConnected = false;
  #isOver = false;

  /** @param onOver - called once when nothing is passed on any more */
  constructor(transport: Transport, channel: Channel, onOver: () => void) {
    this.#transport = transport;
    this.#channel = channel;
    this.#onOver = onOver;
  }

  onData(chunk: Uint8Array): void {
    this.#channel.write(chunk);
    if (!this.#channel.isFull || this.#isPaused) return;
    this.#isPaused = true;
    this.#transport.pause();
  }

  onWritten(chunk: Uint8Array): void {
    this.#channel.taken(chunk.length);
  }

  /** The first that the broker sends is the answer to CONNECT. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  refuse(error: PacketError): void {
    this.#channel.refuse(encodeRefusal(error));
  }

  onEnd(): void {
    this.#channel.end();
  }

  onClose(): void {
    this.#end();
    // What the client has sent before it closed counts.
    this.#channel.finish();
  }

  /** What the channel reports. */
  readonly end: ChannelUser = {
    onData: (bytes) => {
      this.#isConnected = true;
      this.#transport.write(bytes);
    },
    onWritten: () => {
      if (!this.#isPaused || this.#channel.isFull) return;
      this.#isPaused = false;
      this.#transport.resume();
    },
    onEnd: () => this.#transport.end(),
    // Only the side of the client has a transport with rules.
    onRefuse: () => {},
    onClose: () => {
      this.#end();
      this.#transport.destroy();
    },
  };

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }
}
