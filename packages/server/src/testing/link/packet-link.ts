import { encode, type Packet, type PacketError } from '@promptmq/codec';
import type { Clock } from '@promptmq/wal';
import type { ListenerTerms, Transport, TransportHandler } from '../../connection/transport.ts';
import type { ConnectionPlace } from '../../limits/connection-places.ts';
import { refusalOf } from '../faults/refusal.ts';
import type { PacketLog } from '../log/packet-log.ts';
import type { Direction, Fate, Fates, LinkIdentity } from './fate.ts';
import { Lane } from './lane.ts';
import { type Frame, PacketCutter } from './packet-cutter.ts';

/** Beyond this many bytes that are held on their way to the broker, the client isn't read from. */
const HELD_BYTES_MAX = 1_048_576;

/** What all links of a test broker have in common. */
export interface LinkHost {
  readonly machine: Clock;
  readonly packetLog: PacketLog;
  readonly fates: Fates;
  /** Largest packet that the broker takes, in bytes. */
  readonly packetSizeMax: number;
  /** Something has come or gone: who waits for quiet waits on. */
  onActivity(): void;
  /** The client has said who it is: its connections are counted. */
  onNamed(link: PacketLink): void;
  onClosed(link: PacketLink): void;
}

/** A chunk that the broker wrote, and whether it can have it back. */
interface Owed {
  readonly chunk: Uint8Array;
  isDone: boolean;
}

/**
 * Stands between the broker and a transport: the broker's transport on one side, the transport's handler on the
 * other. It knows whole packets in both directions, and forwards, holds, loses or repeats them.
 *
 * Invariants: what nothing is done to arrives at once, in the chunks in which it came; the broker has its chunks back in
 * their order.
 */
export class PacketLink implements Transport, TransportHandler, LinkIdentity {
  clientId: string | null;
  number: number;
  readonly acceptedAt?: number;
  readonly place?: ConnectionPlace;
  readonly #host: LinkHost;
  readonly #transport: Transport;
  /** The broker's side; null when that is over. */
  #handler: TransportHandler | null;
  readonly #fromClient: PacketCutter;
  readonly #fromBroker: PacketCutter;
  readonly #toBroker: Lane;
  readonly #toClient: Lane;
  readonly #owed: Owed[];
  /** By write to the transport that is not over: what of the broker's it brings back. */
  readonly #writes: Owed[][];
  #isPausedByBroker: boolean;
  #isPaused: boolean;
  #isHalfOpen: boolean;
  /** The transport is closed, which the broker doesn't know; undefined while it isn't. */
  #unnoticed: Error | null | undefined;

  private constructor(host: LinkHost, transport: Transport) {
    this.clientId = null;
    this.number = 0;
    if (transport.acceptedAt !== undefined) this.acceptedAt = transport.acceptedAt;
    if (transport.place !== undefined) this.place = transport.place;
    this.#host = host;
    this.#transport = transport;
    this.#handler = null;
    this.#fromClient = new PacketCutter('server', host.packetSizeMax);
    this.#fromBroker = new PacketCutter('client');
    this.#toBroker = new Lane(host.machine, (bytes) => this.#handler?.onData(bytes));
    this.#toClient = new Lane(host.machine, (bytes) => {
      this.#writes.push([]);
      this.#transport.write(bytes);
    });
    this.#owed = [];
    this.#writes = [];
    this.#isPausedByBroker = false;
    this.#isPaused = false;
    this.#isHalfOpen = false;
    this.#unnoticed = undefined;
  }

  /** As an `Interceptor`. @returns null when the broker doesn't take it */
  static intercept(
    host: LinkHost,
    transport: Transport,
    accept: (transport: Transport) => TransportHandler | null,
  ): PacketLink | null {
    const link = new PacketLink(host, transport);
    link.#handler = accept(link);
    return link.#handler === null ? null : link;
  }

  // ------------------------------------------------------------------ what tests do

  /** The network breaks: the broker knows it at once, the client when it has what was sent to it before. */
  cut(): void {
    this.#host.packetLog.note(this, 'cut');
    this.#leaveBroker(null);
    this.#toClient.clear();
    this.#transport.end();
  }

  /** Nothing gets through any more in either direction, and neither side is notified of anything; until it is whole again. */
  set isHalfOpen(isHalfOpen: boolean) {
    if (this.#isHalfOpen === isHalfOpen) return;
    this.#isHalfOpen = isHalfOpen;
    this.#host.packetLog.note(this, isHalfOpen ? 'half open' : 'whole again');
    this.#toClient.isStopped = isHalfOpen;
    this.#updateReading();
    if (isHalfOpen) return;
    if (this.#handler === null) this.#transport.destroy();
    else if (this.#unnoticed !== undefined) this.#close(this.#unnoticed);
  }

  /** What held packets may be undone. */
  pump(): void {
    this.#toBroker.pump();
    this.#toClient.pump();
  }

  /** Neither side is the other's any more. */
  get isOver(): boolean {
    return this.#handler === null;
  }

  /** Ends it for both sides at once. */
  sever(): void {
    this.#leaveBroker(null);
    this.die();
  }

  /** The broker's process is gone: it learns nothing any more. */
  die(): void {
    this.#handler = null;
    this.#toBroker.clear();
    this.#toClient.clear();
    this.#transport.destroy();
  }

  // ---------------------------------------------------------- what the transport says

  onData(chunk: Uint8Array): void {
    this.#host.onActivity();
    if (this.#handler === null) return;
    for (const frame of this.#fromClient.push(chunk)) {
      if (frame.packet?.cmd === 'connect') this.#onConnect(frame.packet.clientId);
      this.#carry('in', frame);
    }
    this.#toBroker.pump();
    this.#updateReading();
  }

  onWritten(): void {
    this.#host.onActivity();
    for (const owed of this.#writes.shift() ?? []) owed.isDone = true;
    this.#giveBack();
  }

  get isConnected(): boolean {
    return this.#handler?.isConnected === true;
  }

  refuse(error: PacketError): void {
    this.#handler?.refuse(error);
  }

  onEnd(): void {
    this.#host.onActivity();
    this.#toBroker.after(() => this.#handler?.onEnd());
    this.#toBroker.pump();
  }

  onClose(error: Error | null): void {
    this.#host.onActivity();
    if (this.#isHalfOpen && this.#handler !== null) this.#unnoticed = error;
    else this.#close(error);
  }

  // -------------------------------------------------------------- what the broker does

  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  get protocol(): Transport['protocol'] {
    return this.#transport.protocol;
  }

  get listener(): ListenerTerms | null {
    return this.#transport.listener ?? null;
  }

  get certificate(): NonNullable<Transport['certificate']> | null {
    return this.#transport.certificate ?? null;
  }

  get pskIdentity(): string | null {
    return this.#transport.pskIdentity ?? null;
  }

  get certificateName(): string | null {
    return this.#transport.certificateName ?? null;
  }

  get userName(): string | null {
    return this.#transport.userName ?? null;
  }

  get maximumPacketSize(): number {
    return this.#transport.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  }

  write(chunk: Uint8Array): void {
    if (this.#handler === null) return;
    this.#host.onActivity();
    for (const frame of this.#fromBroker.push(chunk)) {
      if (frame.packet?.cmd === 'connack') this.#onConnack(frame.packet);
      this.#carry('out', frame);
    }
    const owed = { chunk, isDone: false };
    this.#owed.push(owed);
    this.#toClient.after(() => {
      const last = this.#writes.at(-1);
      if (last !== undefined) last.push(owed);
      else {
        owed.isDone = true;
        // The broker is in the middle of writing.
        this.#host.machine.defer(() => this.#giveBack());
      }
    });
    this.#toClient.pump();
  }

  cork(): void {
    this.#transport.cork();
  }

  uncork(): void {
    this.#transport.uncork();
  }

  pause(): void {
    this.#isPausedByBroker = true;
    this.#updateReading();
  }

  resume(): void {
    this.#isPausedByBroker = false;
    this.#updateReading();
  }

  end(): void {
    this.#toClient.after(() => this.#transport.end());
    this.#toClient.pump();
  }

  destroy(): void {
    this.#toBroker.clear();
    if (!this.#isHalfOpen) {
      this.#toClient.clear();
      this.#transport.destroy();
      return;
    }
    // The client doesn't get to know.
    this.#host.machine.defer(() => this.#leaveBroker(null));
  }

  // ---------------------------------------------------------------------------- packets

  #onConnect(clientId: string): void {
    this.#fromBroker.protocolVersion = this.#fromClient.protocolVersion;
    if (clientId !== '' && this.clientId === null) this.#name(clientId);
  }

  #onConnack(packet: Packet & { cmd: 'connack' }): void {
    const assigned = packet.properties?.assignedClientIdentifier;
    if (assigned !== undefined && this.clientId === null) this.#name(assigned);
  }

  #name(clientId: string): void {
    this.clientId = clientId;
    this.#host.onNamed(this);
  }

  #carry(direction: Direction, frame: Frame): void {
    const fate = this.#host.fates.of(this, direction, frame);
    this.#host.packetLog.packet(this, direction, frame, fate?.notes ?? []);
    const lane = direction === 'in' ? this.#toBroker : this.#toClient;
    if (fate === null) {
      lane.send(frame.bytes);
      return;
    }
    if (fate.refusal !== null) this.#refuse(frame.packet as Packet, fate.refusal);
    else this.#send(lane, frame.bytes, fate);
    if (fate.cuts) lane.after(() => this.cut());
    if (fate.halfOpens) {
      lane.after(() => {
        this.isHalfOpen = true;
      });
    }
  }

  #send(lane: Lane, bytes: Uint8Array, fate: Fate): void {
    for (let copy = 0; copy < fate.copies; copy++) lane.send(bytes, fate.holds, fate.pieceSize);
  }

  /** Answers a packet in the broker's place. */
  #refuse(packet: Packet, reasonCode: number): void {
    const { protocolVersion } = this.#fromClient;
    const { answer, closes } = refusalOf(packet, reasonCode, protocolVersion);
    if (answer !== null) {
      const bytes = encode(answer, { protocolVersion }) as Uint8Array;
      this.#host.packetLog.packet(this, 'out', { bytes, packet: answer, topic: null }, [
        'by a fault',
      ]);
      this.#toClient.send(bytes);
    }
    this.#toClient.pump();
    if (closes) {
      // In the order in which it came: what the client sent before is still the broker's.
      this.#toBroker.after(() => {
        this.#leaveBroker(null);
        this.#toClient.after(() => this.#transport.end());
        this.#toClient.pump();
      });
    }
  }

  #giveBack(): void {
    while (this.#owed[0]?.isDone === true) {
      const { chunk } = this.#owed.shift() as Owed;
      this.#handler?.onWritten(chunk);
    }
  }

  #updateReading(): void {
    this.#toBroker.isStopped = this.#isPausedByBroker || this.#isHalfOpen;
    const isPaused =
      this.#isPausedByBroker || this.#isHalfOpen || this.#toBroker.heldBytes > HELD_BYTES_MAX;
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#transport.pause();
    else this.#transport.resume();
  }

  /** The transport is closed, and both sides know. */
  #close(error: Error | null): void {
    this.#toBroker.clear();
    this.#toClient.clear();
    this.#leaveBroker(error);
    this.#host.onClosed(this);
  }

  #leaveBroker(error: Error | null): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#toBroker.clear();
    handler?.onClose(error);
  }
}
