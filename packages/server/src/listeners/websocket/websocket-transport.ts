import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { CertificateFacts } from '@promptmq/auth';
import { PacketError, ReasonCode } from '@promptmq/codec';
import type { ListenerTerms, Transport, TransportHandler } from '../../connection/transport.ts';
import type { ConnectionPlace } from '../../limits/connection-places.ts';
import type { Arrival } from '../arrival.ts';
import type { ListenerHost } from '../host.ts';
import { certificateFacts, certificateName } from '../tls/certificate-facts.ts';
import { pskIdentity } from '../tls/psk.ts';
import {
  CloseCode,
  closeFrame,
  controlFrame,
  FrameReader,
  type FrameReaderHandler,
} from './frame-reader.ts';
import { PacketFrames } from './packet-frames.ts';

/** With more than this unsent, pings are not answered: the client doesn't read (RFC 6455, 5.5.3). */
const PONG_BACKLOG_MAX = 65_536;

/** Beside the CONNECT, a first frame may hold what the client sends with it [MQTT-6.0.0-2]. */
const OPENING_BYTES_SPARE = 65_536;

/** A WebSocket as a transport: frames are taken off what comes in, and put around each packet that goes out. */
export class WebSocketTransport implements Transport, FrameReaderHandler {
  readonly protocol: Transport['protocol'];
  readonly remoteAddress: string;
  readonly acceptedAt: number;
  readonly place: ConnectionPlace;
  readonly listener: ListenerTerms | null;
  readonly certificate: CertificateFacts | null;
  readonly certificateName: string | null;
  readonly pskIdentity: string | null;
  readonly userName: string | null;
  readonly #host: ListenerHost;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #frames: PacketFrames;
  #handler: TransportHandler | null;
  /** What our Close frame says. */
  #closeCode: CloseCode;
  #isEnding: boolean;

  /**
   * @param terms - of its listener; null where the program brought the socket
   * @param userName - who the client is, as the program says that brought the socket; null when it says nothing
   */
  constructor(
    host: ListenerHost,
    socket: Socket,
    { address, acceptedAt, place }: Arrival,
    terms: ListenerTerms | null,
    userName: string | null = null,
  ) {
    this.#host = host;
    this.#socket = socket;
    this.protocol = socket instanceof TLSSocket ? 'websocket-tls' : 'websocket';
    this.remoteAddress = address;
    this.acceptedAt = acceptedAt;
    this.place = place;
    this.listener = terms;
    this.certificate = certificateFacts(socket);
    this.certificateName = certificateName(socket);
    this.pskIdentity = pskIdentity(socket);
    this.userName = userName;
    this.#reader = new FrameReader(this);
    this.#frames = new PacketFrames();
    this.#handler = null;
    this.#closeCode = CloseCode.Normal;
    this.#isEnding = false;
    socket.allowHalfOpen = true;
  }

  /** @param head - what came after the request for the upgrade */
  start(handler: TransportHandler, head: Buffer): void {
    const socket = this.#socket;
    let failure: Error | null = null;
    this.#handler = handler;
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('end', () => {
      handler.onEnd();
      // Without a Close frame there is nobody who would answer ours.
      socket.end();
    });
    socket.on('close', () => handler.onClose(failure));
    if (head.length > 0) socket.unshift(head);
    socket.on('data', (chunk: Buffer) => this.#reader.push(chunk));
  }

  // -------------------------------------------------------------------- receiving

  get maximumPacketSize(): number {
    return this.#host.config.server.wsMaxFrameSize;
  }

  get frameBytesMax(): number {
    if (this.#handler?.isConnected === true) return this.maximumPacketSize;
    return this.#host.config.mqtt.maxConnectSize + OPENING_BYTES_SPARE;
  }

  onPayload(bytes: Uint8Array): void {
    this.#handler?.onData(bytes);
  }

  onPing(payload: Uint8Array): void {
    const isBehind = this.#socket.writableLength > PONG_BACKLOG_MAX;
    if (!this.#isEnding && !isBehind) this.#socket.write(controlFrame('pong', payload));
  }

  onCloseFrame(payload: Uint8Array): void {
    this.#handler?.onEnd();
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#socket.write(controlFrame('close', payload.subarray(0, 2)));
    }
    this.#socket.end();
  }

  onViolation(code: CloseCode, why: string): void {
    const handler = this.#handler;
    this.#closeCode = code;
    if (handler?.isConnected === true) {
      handler.refuse(new PacketError(REASONS[code], '§6', 0, `WebSocket: ${why}`));
    } else {
      this.#host.onSocketRefused('websocket', this.remoteAddress, `WebSocket: ${why}`);
      handler?.onEnd();
    }
  }

  // ---------------------------------------------------------------------- sending

  write(chunk: Uint8Array): void {
    this.#socket.write(this.#frames.frame(chunk), (error) => {
      if (!error) this.#handler?.onWritten(chunk);
    });
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#socket.write(closeFrame(this.#closeCode));
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** The reason that an MQTT 5 client gets for a frame that is not allowed. */
const REASONS: Readonly<Record<CloseCode, number>> = {
  [CloseCode.Normal]: ReasonCode.Success,
  [CloseCode.ProtocolError]: ReasonCode.ProtocolError,
  [CloseCode.UnsupportedData]: ReasonCode.ProtocolError,
  [CloseCode.MessageTooBig]: ReasonCode.PacketTooLarge,
};
