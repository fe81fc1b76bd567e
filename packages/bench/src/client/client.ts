import {
  type ConnackPacket,
  decodePacket,
  type Packet,
  PacketType,
  type QoS,
  type SubackPacket,
} from '@promptmq/codec';
import { BenchError } from '../bench-error.ts';
import { nowMicros, sinceStamp } from '../load/clock.ts';
import type { Histogram } from '../report/histogram.ts';
import { FrameWalker } from './frame-walker.ts';
import {
  connectFrame,
  DISCONNECT,
  PINGREQ,
  packetIdOffset,
  STAMP_SIZE,
  subscribeFrame,
  unsubscribeFrame,
  type Version,
} from './frames.ts';
import type { Link } from './link.ts';
import { openLink } from './open-link.ts';
import type { Target } from './target.ts';

const { PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;

/** Acknowledgements are gathered in this many bytes and written once for each chunk that came. */
const OUTPUT_SIZE = 16_384;
const ACK_SIZE = 4;

export interface ClientOptions {
  readonly clientId: string;
  readonly version: Version;
  readonly isClean?: boolean;
  readonly localAddress?: string | undefined;
  /** Bytes of the payloads that it will get: the last bytes of each, this many, start with a stamp. */
  readonly payloadBytes?: number;
  /** Where the ages of stamped messages go, in microseconds. */
  readonly latency?: Histogram | null;
  /**
   * Called for each PUBLISH, before it is acknowledged: its first byte, where its variable header starts
   * and where it ends. The bytes hold until it returns; what it throws ends the connection.
   */
  readonly onPublish?:
    | ((buffer: Uint8Array, first: number, start: number, end: number) => void)
    | null;
  /** Called for each PUBREL, with its packet identifier. */
  readonly onRelease?: ((packetId: number) => void) | null;
  /** Called once for each chunk that had PUBLISH packets, with their number. */
  readonly onMessages?: ((count: number) => void) | undefined;
  /** Called once for each chunk that ended the way of own messages, with their number. */
  readonly onAcked?: ((count: number) => void) | undefined;
  /** Called when what was written is all with the operating system. */
  readonly onIdle?: (() => void) | undefined;
  /** Called when the connection ends though nobody here wanted it. */
  readonly onFailure?: ((error: BenchError) => void) | undefined;
}

type Expected = 'connack' | 'suback' | 'unsuback' | 'pingresp';

interface Waiting {
  readonly cmd: Expected;
  readonly resolve: (packet: Packet) => void;
  readonly reject: (error: BenchError) => void;
}

/**
 * An MQTT client that costs as little as possible: it looks at fixed headers, packet identifiers and
 * stamps, acknowledges in gathered writes, and decodes only what comes once in a connection.
 */
export class Client {
  readonly clientId: string;
  readonly version: Version;
  /** PUBLISH packets that have come. */
  received = 0;
  /** Of those, the ones that the broker marked as sent again. */
  redelivered = 0;
  /** Own messages that the broker refused with a reason code. */
  refused = 0;
  /** What CONNACK said; set by `connect`. */
  connack: ConnackPacket | null = null;
  readonly #options: ClientOptions;
  readonly #payloadBytes: number;
  readonly #latency: Histogram | null;
  readonly #inspect: NonNullable<ClientOptions['onPublish']> | null;
  readonly #walker: FrameWalker;
  #link: Link | null = null;
  #output = new Uint8Array(0);
  #outputLength = 0;
  #now = 0;
  #chunkMessages = 0;
  #chunkAcked = 0;
  #waiting: Waiting | null = null;
  /** PINGREQs of `keepAlive` that are not answered yet. */
  #keepAliveCount = 0;
  #isClosing = false;
  #whenClosed: () => void = () => {};

  constructor(options: ClientOptions) {
    this.clientId = options.clientId;
    this.version = options.version;
    this.#options = options;
    this.#payloadBytes = options.payloadBytes ?? 0;
    // Where a payload has no room for a stamp there is no latency to be had.
    this.#latency = this.#payloadBytes < STAMP_SIZE ? null : (options.latency ?? null);
    this.#inspect = options.onPublish ?? null;
    this.#walker = new FrameWalker(this);
  }

  /** @throws {BenchError} when the broker can't be reached, or refuses */
  async connect(target: Target): Promise<ConnackPacket> {
    const { clientId, version } = this;
    try {
      this.#link = await openLink(target, this, this.#options.localAddress);
    } catch (error) {
      throw new BenchError(cannotConnect(target, error));
    }
    const connack = this.#expect('connack');
    const { username, password } = target;
    const isClean = this.#options.isClean ?? true;
    this.#link.write(connectFrame({ version, clientId, isClean, username, password }));
    const packet = (await connack) as ConnackPacket;
    const code = packet.reasonCode ?? packet.returnCode ?? 0;
    if (code !== 0) {
      this.destroy();
      throw new BenchError(`the broker refused ${clientId}: CONNACK with ${hex(code)}`);
    }
    this.connack = packet;
    return packet;
  }

  /**
   * Subscribes, to up to 100 filters in a packet.
   *
   * @throws {BenchError} when the broker refuses one, or grants less than this QoS
   */
  async subscribe(filters: readonly string[], qos: QoS, identifier = 0): Promise<void> {
    for (let start = 0; start < filters.length; start += 100) {
      const part = filters.slice(start, start + 100);
      const suback = this.#expect('suback');
      this.write(subscribeFrame(part, qos, this.version, identifier));
      const { granted } = (await suback) as SubackPacket;
      const index = granted.findIndex((code) => code !== qos);
      if (index !== -1) {
        const code = granted[index] as number;
        const what = code < 3 ? `only granted QoS ${code} for` : `refused (${hex(code)})`;
        throw new BenchError(`the broker ${what} the subscription to ${part[index]}`);
      }
    }
  }

  /** Takes subscriptions away; resolves when the broker has confirmed it. */
  async unsubscribe(filters: readonly string[]): Promise<void> {
    const unsuback = this.#expect('unsuback');
    this.write(unsubscribeFrame(filters, this.version));
    await unsuback;
  }

  /** Resolves when the broker has dealt with all that was sent before (§3.12). */
  async ping(): Promise<void> {
    const pingresp = this.#expect('pingresp');
    this.write(PINGREQ);
    await pingresp;
  }

  /** Shows the broker that the client is still there, unless something is on its way that shows it, too. */
  keepAlive(): void {
    if (this.#waiting !== null) return;
    this.#keepAliveCount++;
    this.write(PINGREQ);
  }

  /** Whether the memory of what was written may be used again. */
  get isIdle(): boolean {
    return this.#link?.isIdle ?? true;
  }

  write(bytes: Uint8Array): void {
    this.#link?.write(bytes);
  }

  /** Disconnects in order; resolves when the connection is closed. */
  close(): Promise<void> {
    if (this.#link === null) return Promise.resolve();
    this.#isClosing = true;
    const closed = new Promise<void>((resolve) => {
      this.#whenClosed = resolve;
    });
    this.#link.write(DISCONNECT);
    this.#link.end();
    return closed;
  }

  /** Cuts the connection, without a DISCONNECT. */
  destroy(): void {
    this.#isClosing = true;
    this.#link?.destroy();
  }

  onIdle(): void {
    this.#options.onIdle?.();
  }

  onClose(error: Error | null): void {
    this.#link = null;
    this.#whenClosed();
    if (this.#isClosing) return;
    const why = error === null ? 'was closed by the broker' : `broke: ${error.message}`;
    this.#fail(new BenchError(`the connection of ${this.clientId} ${why}`));
  }

  onChunk(chunk: Uint8Array, start: number, end: number): void {
    this.#chunkMessages = 0;
    this.#chunkAcked = 0;
    if (this.#latency !== null) this.#now = nowMicros();
    try {
      this.#walker.push(chunk, start, end);
    } catch (error) {
      this.#isClosing = true;
      this.#fail(new BenchError(`${this.clientId}: ${(error as Error).message}`));
      this.#link?.destroy();
      return;
    }
    if (this.#outputLength > 0) this.#flush();
    if (this.#chunkMessages > 0) this.#options.onMessages?.(this.#chunkMessages);
    if (this.#chunkAcked > 0) this.#options.onAcked?.(this.#chunkAcked);
  }

  onFrame(buffer: Uint8Array, start: number, bodyStart: number, end: number): void {
    const first = buffer[start] as number;
    switch (first >> 4) {
      case PUBLISH:
        this.#onPublish(buffer, first, bodyStart, end);
        return;
      case PUBACK:
      case PUBCOMP:
        this.#chunkAcked++;
        if (isRefusal(buffer, bodyStart, end)) this.refused++;
        return;
      case PUBREC:
        if (isRefusal(buffer, bodyStart, end)) {
          this.refused++;
          this.#chunkAcked++;
        } else {
          this.#acknowledge(0x62, buffer, bodyStart);
        }
        return;
      case PUBREL:
        this.#options.onRelease?.(readUint16(buffer, bodyStart));
        this.#acknowledge(0x70, buffer, bodyStart);
        return;
      default:
        this.#onControl(decodePacket(buffer, start, bodyStart, end, this.version, 'client'));
    }
  }

  #onPublish(buffer: Uint8Array, first: number, bodyStart: number, end: number): void {
    this.received++;
    this.#chunkMessages++;
    if (this.#inspect !== null) this.#inspect(buffer, first, bodyStart, end);
    const qos = (first >> 1) & 3;
    if (qos > 0) {
      if ((first & 8) !== 0) this.redelivered++;
      this.#acknowledge(qos === 1 ? 0x40 : 0x50, buffer, packetIdOffset(buffer, bodyStart));
    }
    if (this.#latency === null) return;
    const at = end - this.#payloadBytes;
    if (at <= bodyStart) return;
    const stamp =
      (((buffer[at] as number) << 24) |
        ((buffer[at + 1] as number) << 16) |
        ((buffer[at + 2] as number) << 8) |
        (buffer[at + 3] as number)) >>>
      0;
    if (stamp !== 0) this.#latency.record(sinceStamp(stamp, this.#now));
  }

  #acknowledge(firstByte: number, buffer: Uint8Array, idOffset: number): void {
    if (this.#outputLength + ACK_SIZE > this.#output.length) {
      if (this.#outputLength > 0) this.#flush();
      if (this.#output.length === 0) this.#output = new Uint8Array(OUTPUT_SIZE);
    }
    const output = this.#output;
    const at = this.#outputLength;
    output[at] = firstByte;
    output[at + 1] = 2;
    output[at + 2] = buffer[idOffset] as number;
    output[at + 3] = buffer[idOffset + 1] as number;
    this.#outputLength = at + ACK_SIZE;
  }

  #flush(): void {
    this.#link?.write(this.#output.subarray(0, this.#outputLength));
    this.#outputLength = 0;
    if (!this.isIdle) this.#output = new Uint8Array(OUTPUT_SIZE);
  }

  #onControl(packet: Packet): void {
    const waiting = this.#waiting;
    if (packet.cmd === 'pingresp' && this.#keepAliveCount > 0) {
      // It was sent before anything that is waited for.
      this.#keepAliveCount--;
    } else if (waiting?.cmd === packet.cmd) {
      this.#waiting = null;
      waiting.resolve(packet);
    } else if (packet.cmd === 'disconnect') {
      throw new BenchError(`the broker disconnected with ${hex(packet.reasonCode ?? 0)}`);
    } else {
      throw new BenchError(`the broker sent an unexpected ${packet.cmd.toUpperCase()}`);
    }
  }

  #expect(cmd: Expected): Promise<Packet> {
    return new Promise((resolve, reject) => {
      this.#waiting = { cmd, resolve, reject };
    });
  }

  #fail(error: BenchError): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) waiting.reject(error);
    else this.#options.onFailure?.(error);
  }
}

function readUint16(buffer: Uint8Array, at: number): number {
  return ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
}

/** Whether an acknowledgement has a reason code from 0x80 on (MQTT 5, §2.4). */
function isRefusal(buffer: Uint8Array, bodyStart: number, end: number): boolean {
  return end - bodyStart > 2 && (buffer[bodyStart + 2] as number) >= 0x80;
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`;
}

function cannotConnect({ host, port }: Target, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const hint =
    code === 'EMFILE'
      ? ': too many open files; raise the limit (ulimit -n) above the number of connections'
      : code === 'EADDRNOTAVAIL'
        ? ': no local port is left; use more source addresses (--sources)'
        : '';
  const what = message || code || String(error);
  return `can't connect to ${host}:${port}: ${what}${hint}`;
}
