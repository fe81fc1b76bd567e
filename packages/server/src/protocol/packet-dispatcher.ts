import {
  AckView,
  type ConnectPacket,
  type DecodeLimits,
  decodePacket,
  FrameDecoder,
  type FrameSink,
  type Packet,
  PacketError,
  PacketType,
  PublishView,
  ReasonCode,
} from '@promptmq/codec';
import { invariant } from '@promptmq/topics';
import { ConnectionState } from '../connection/connection-state.ts';
import type { Peer, PeerAuthentication } from '../connection/peer.ts';
import type { PacketThrottle } from '../limits/throttle.ts';
import { type Slice, type Turns, UnitsFor } from '../runtime/turns.ts';
import type { EventSinks } from '../tracing/broker-events.ts';
import { type PacketTracer, tracedFields } from '../tracing/packet-trace.ts';
import { onAcknowledgement } from './acknowledgements.ts';
import { peekVersion } from './connect/connack.ts';
import { admit } from './connect/connect.ts';
import { disconnect } from './disconnect.ts';
import type { ProtocolHost } from './host.ts';
import { mountSubscriptions, mountUnsubscriptions } from './mounting.ts';
import { Receiver } from './publish.ts';
import { subscribe } from './subscribe/subscribe.ts';
import { unsubscribe } from './subscribe/unsubscribe.ts';

// Views are read and done with before the next packet, whatever the connection.
const publishView = new PublishView();
const ackView = new AckView();

/**
 * Decodes what one client sends, and hands each packet to what answers it. For a packet that breaks a rule, or that
 * may not come now, a `PacketError` is thrown, with which the connection refuses it (§4.13).
 */
export class PacketDispatcher implements FrameSink {
  readonly #connection: Peer;
  readonly #host: ProtocolHost;
  readonly #receiver: Receiver;
  readonly #decoder: FrameDecoder;
  /** For how many answers what comes is kept, and not decoded. */
  #suspensions: number;
  readonly #turns: Turns;
  readonly #slice: Slice;
  readonly #sinks: EventSinks;
  /** What the last packet has to be done in steps; what follows it waits. */
  #work: Generator<void> | null;
  /** What of a packet is bounded, of the configuration. */
  readonly #limits: DecodeLimits;
  /** Gets every packet, while an operator looks at this client. */
  tracer: PacketTracer | null;
  /** Slows the client down; null where nothing does. */
  throttle: PacketThrottle | null;

  constructor(host: ProtocolHost, connection: Peer) {
    this.#connection = connection;
    this.#host = host;
    this.#receiver = new Receiver(host, connection);
    const { maxConnectSize } = host.config.mqtt;
    // Who has not been let in has nothing else to say, and not much of it.
    this.#decoder = new FrameDecoder(this, {
      maximumPacketSize: Math.min(connection.maximumPacketSize, maxConnectSize),
      protocolVersion: null, // [MQTT-3.1.0-1]
    });
    this.#decoder.maximumControlSize = this.#decoder.maximumPacketSize;
    this.#suspensions = 0;
    this.#turns = host.turns;
    this.#slice = { turn: -1, left: 0 };
    this.#sinks = host.clientEvents.sinks;
    this.#work = null;
    this.#limits = host.config.mqtt;
    this.tracer = null;
    this.throttle = null;
  }

  /** CONNECT was accepted: packets may be as large as CONNACK says. */
  open(): void {
    this.#decoder.maximumPacketSize = this.#connection.maximumPacketSize;
    this.#decoder.maximumControlSize = this.#host.config.mqtt.maxControlPacketSize;
    this.#receiver.open();
  }

  /** Bytes of a packet that has not come whole, or of what waits for `resume`. */
  get bufferedBytes(): number {
    return this.#decoder.bufferedBytes;
  }

  get isSuspended(): boolean {
    return this.#suspensions > 0;
  }

  /** @param chunk - the dispatcher's from now on */
  push(chunk: Uint8Array): void {
    if (this.#turns.isTooLate(this.#decoder.bufferedBytes + chunk.length)) this.#decoder.stop();
    this.#turns.begin(this.#slice);
    try {
      this.#decoder.push(chunk);
    } finally {
      this.#turns.end(this.#slice);
    }
  }

  /** Has what follows the present packet wait until as many calls of `resume`. */
  suspend(): void {
    this.#suspensions++;
  }

  resume(): void {
    this.#suspensions--;
    this.continue();
  }

  /** Whether nothing that has come is left. */
  get isIdle(): boolean {
    return this.#work === null && this.#decoder.isIdle;
  }

  /** Whether there is something left to do with what has come whole. */
  get hasMore(): boolean {
    return !this.isSuspended && (this.#work !== null || this.#decoder.isStopped);
  }

  /** Continues where it stopped, as far as this turn's slice goes. */
  continue(): void {
    if (this.isSuspended) return;
    this.#turns.begin(this.#slice);
    try {
      if (this.#work !== null) this.#step(this.#work);
      if (this.#work === null && !this.#turns.isOver) this.#decoder.resume();
    } finally {
      this.#turns.end(this.#slice);
    }
  }

  /** Does what has to be done in steps, as far as this turn's slice goes. */
  #step(work: Generator<void>): void {
    this.#work = null;
    const isDone = work.next().done === true;
    if (isDone) return;
    if (this.#connection.state === ConnectionState.Open) this.#work = work;
    else work.return(undefined); // A hook may have ended the connection in the middle of it.
  }

  /** The session is about to be left: what has been done of a packet stands. */
  abandonWork(): void {
    const work = this.#work;
    this.#work = null;
    work?.return(undefined);
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    const isLost = this.#work !== null && this.#connection.state !== ConnectionState.Open;
    invariant(!isLost, 'a packet is being done of a connection that is over');
    this.#receiver.checkInvariants();
  }

  /** Forgets what has come and was not decoded. */
  reset(): void {
    this.#decoder.reset();
  }

  onFrame(buffer: Uint8Array, start: number, bodyStart: number, end: number): boolean {
    const connection = this.#connection;
    const type = (buffer[start] as number) >> 4;
    const { stats } = this.#host;
    connection.timeouts.onPacket();
    (stats.packetsReceived[type] as number)++;
    stats.packetTypeNow = type;
    if (connection.state !== ConnectionState.Open) {
      this.#onOpeningFrame(buffer, start, bodyStart, end);
    } else {
      if (this.tracer !== null) this.#trace(this.tracer, buffer, start, bodyStart, end);
      const { version } = connection;
      if (type === PacketType.PUBLISH) {
        this.#onPublish(buffer, start, bodyStart, end);
      } else {
        this.#turns.used += UnitsFor.packet + ((end - start) >> UnitsFor.objectBytesShift);
        if (type >= PacketType.PUBACK && type <= PacketType.PUBCOMP) {
          ackView.read(buffer, start, bodyStart, end, version, this.#limits);
          this.#onAck(type as PacketType, ackView);
        } else {
          this.#onPacket(
            decodePacket(buffer, start, bodyStart, end, version, 'server', this.#limits),
          );
        }
      }
    }
    stats.packetTypeNow = 0;
    return (
      !connection.isEnding && this.#suspensions === 0 && this.#work === null && !this.#turns.isOver
    );
  }

  #trace(
    tracer: PacketTracer,
    buffer: Uint8Array,
    start: number,
    bodyStart: number,
    end: number,
  ): void {
    const { version } = this.#connection;
    const packet = decodePacket(buffer, start, bodyStart, end, version, 'server', this.#limits);
    tracer(packet.cmd, tracedFields(packet));
  }

  // --------------------------------------------------------------------- opening

  #onOpeningFrame(buffer: Uint8Array, start: number, bodyStart: number, end: number): void {
    this.#turns.used += UnitsFor.opening + ((end - start) >> UnitsFor.objectBytesShift);
    const connection = this.#connection;
    const { sender, authentication } = connection;
    const { mqtt } = this.#host.config;
    if (connection.isEnding) return;
    if (authentication !== null) {
      const packet = decodePacket(buffer, start, bodyStart, end, sender.version, 'server', mqtt);
      this.#onAuthenticatingPacket(authentication, packet);
      return;
    }
    // Even if the CONNECT is refused, the refusal is in the version that it asks for.
    sender.version = peekVersion(buffer, bodyStart, end);
    const packet = decodePacket(buffer, start, bodyStart, end, sender.version, 'server', mqtt);
    sender.version = (packet as ConnectPacket).protocolVersion;
    this.#decoder.protocolVersion = sender.version;
    admit(this.#host, connection, packet as ConnectPacket);
  }

  /** Between CONNECT and CONNACK only AUTH and DISCONNECT may come [MQTT-3.1.2-30]. */
  #onAuthenticatingPacket(authentication: PeerAuthentication, packet: Packet): void {
    if (packet.cmd === 'auth') {
      authentication.onAuth(packet);
    } else if (packet.cmd === 'disconnect') {
      this.#connection.terminate();
    } else {
      throw new PacketError(
        ReasonCode.ProtocolError,
        'MQTT-3.1.2-30',
        0,
        `${packet.cmd.toUpperCase()} before authentication has ended`,
      );
    }
  }

  // ------------------------------------------------------------------------ open

  #onPublish(buffer: Uint8Array, start: number, bodyStart: number, end: number): void {
    const { version } = this.#connection;
    this.#turns.used += UnitsFor.publish + ((end - start) >> UnitsFor.bytesShift);
    publishView.read(buffer, start, bodyStart, end, version, 'server', this.#limits);
    this.#turns.used += (publishView.topicEnd - publishView.topicStart) >> UnitsFor.topicShift;
    const rest = this.#receiver.onPublish(publishView);
    if (rest !== null) this.#step(rest);
    if (this.throttle !== null) this.throttle.afterMessage();
  }

  #onAck(type: PacketType, { packetId, reasonCode }: AckView): void {
    if (type === PacketType.PUBREL) this.#onPubrel(packetId);
    else onAcknowledgement(this.#connection, this.#sinks, type, packetId, reasonCode);
  }

  #onPubrel(packetId: number): void {
    this.#receiver.onPubrel(packetId);
    this.#connection.relievePublishers();
  }

  #onPacket(packet: Packet): void {
    const connection = this.#connection;
    switch (packet.cmd) {
      case 'subscribe':
        mountSubscriptions(connection, packet);
        this.#step(subscribe(this.#host, connection, packet));
        this.throttle?.afterSubscribe(packet.subscriptions.length);
        break;
      case 'unsubscribe':
        mountUnsubscriptions(connection, packet);
        this.#step(unsubscribe(this.#host, connection, packet));
        break;
      case 'pingreq':
        connection.sender.send({ cmd: 'pingresp' }); // [MQTT-3.12.4-1]
        break;
      case 'disconnect':
        disconnect(this.#host, connection, packet);
        break;
      case 'connect':
        throw new PacketError(
          ReasonCode.ProtocolError,
          'MQTT-3.1.0-2',
          0,
          'a second CONNECT on one connection',
        );
      case 'auth':
        if (connection.authentication === null) {
          throw new PacketError(
            ReasonCode.ProtocolError,
            'MQTT-4.12.0-7',
            0,
            'AUTH without an authentication method',
          );
        }
        connection.authentication.onAuth(packet);
        break;
      default:
        throw new PacketError(
          ReasonCode.ProtocolError,
          '§4.13',
          0,
          `${packet.cmd.toUpperCase()} from a client`,
        );
    }
  }
}
