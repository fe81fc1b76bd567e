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
import type { DeflateTerms } from './deflate-offer.ts';
import {
  CloseCode,
  closeFrame,
  controlFrame,
  FrameReader,
  type FrameReaderHandler,
} from './frame-reader.ts';
import { MessageQueue, type MessageQueueHandler } from './message-queue.ts';
import { PacketFrames } from './packet-frames.ts';

/** With more than this unsent, pings are not answered: the client doesn't read (RFC 6455, 5.5.3). */
const PONG_BACKLOG_MAX = 65_536;

/** Beside the CONNECT, a first frame may hold what the client sends with it [MQTT-6.0.0-2]. */
const OPENING_BYTES_SPARE = 65_536;

/** What is known of a WebSocket beside what it is. */
export interface WebSocketTerms {
  /** Of its listener; by default the program brought it. */
  readonly terms?: ListenerTerms | null;
  /** Who the client is, as the program says that brought the socket; by default it says nothing. */
  readonly userName?: string | null;
  /** How messages are compressed; by default they are not. */
  readonly deflate?: DeflateTerms | null;
  /** Bytes that a compressed message may be inflated to. */
  readonly deflatedBytesMax?: number;
}

/** A WebSocket as a transport: frames are taken off what comes in, and put around each packet that goes out. */
export class WebSocketTransport implements Transport, FrameReaderHandler, MessageQueueHandler {
  readonly protocol: Transport['protocol'];
  readonly remoteAddress: string;
  readonly localPort: number;
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
  /** Those that came compressed; null where none may. */
  readonly #messages: MessageQueue | null;
  readonly #deflatedBytesMax: number;
  /** Whether the broker takes nothing for now. */
  #isPaused: boolean;
  #handler: TransportHandler | null;
  /** What our Close frame says. */
  #closeCode: CloseCode;
  #isEnding: boolean;

  constructor(
    host: ListenerHost,
    socket: Socket,
    { address, acceptedAt, place }: Arrival,
    { terms = null, userName = null, deflate = null, deflatedBytesMax = 0 }: WebSocketTerms,
  ) {
    this.#host = host;
    this.#socket = socket;
    this.protocol = socket instanceof TLSSocket ? 'websocket-tls' : 'websocket';
    this.remoteAddress = address;
    this.localPort = socket.localPort ?? 0;
    this.acceptedAt = acceptedAt;
    this.place = place;
    this.listener = terms;
    this.certificate = certificateFacts(socket);
    this.certificateName = certificateName(socket);
    this.pskIdentity = pskIdentity(socket);
    this.userName = userName;
    this.#reader = new FrameReader(this);
    this.#frames = new PacketFrames(deflate?.windowBits);
    this.#messages = deflate === null ? null : new MessageQueue(this);
    this.#deflatedBytesMax = deflatedBytesMax;
    this.#isPaused = false;
    this.#handler = null;
    this.#closeCode = CloseCode.Normal;
    this.#isEnding = false;
    socket.allowHalfOpen = true;
  }

  get bytesReceived(): number {
    return this.#socket.bytesRead;
  }

  get bytesSent(): number {
    return this.#socket.bytesWritten;
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
      this.#afterMessages(() => handler.onEnd());
      // Without a Close frame there is nobody who would answer ours.
      socket.end();
    });
    socket.on('close', () => this.#afterMessages(() => handler.onClose(failure)));
    if (head.length > 0) socket.unshift(head);
    socket.on('data', (chunk: Buffer) => this.#reader.push(chunk));
  }

  // -------------------------------------------------------------------- receiving

  get maximumPacketSize(): number {
    const { wsMaxFrameSize } = this.#host.config.server;
    return this.#messages === null
      ? wsMaxFrameSize
      : Math.min(wsMaxFrameSize, this.#deflatedBytesMax);
  }

  get frameBytesMax(): number {
    if (this.#handler?.isConnected === true) return this.maximumPacketSize;
    return this.#host.config.mqtt.maxConnectSize + OPENING_BYTES_SPARE;
  }

  onPayload(bytes: Uint8Array): void {
    if (this.#messages === null) this.#handler?.onData(bytes);
    else this.#messages.after(() => this.#handler?.onData(bytes));
  }

  get takesDeflated(): boolean {
    return this.#messages !== null;
  }

  onDeflated(bytes: Uint8Array): void {
    this.#messages?.add(bytes);
  }

  onDeflatedEnd(): void {
    this.#messages?.end();
  }

  get inflatedBytesMax(): number {
    return this.frameBytesMax;
  }

  onInflated(bytes: Uint8Array): void {
    this.#handler?.onData(bytes);
  }

  onUnfit(why: 'too-large' | 'malformed'): void {
    if (why === 'malformed') {
      this.onViolation(CloseCode.ProtocolError, 'a message is not compressed as it says');
    } else {
      const text = `a compressed message of over ${this.inflatedBytesMax} bytes`;
      this.onViolation(CloseCode.MessageTooBig, text);
    }
  }

  onBehind(isBehind: boolean): void {
    if (isBehind) this.#socket.pause();
    else if (!this.#isPaused) this.#socket.resume();
  }

  /** What came before is done first. */
  #afterMessages(action: () => void): void {
    if (this.#messages === null) action();
    else this.#messages.after(action);
  }

  onPing(payload: Uint8Array): void {
    const isBehind = this.#socket.writableLength > PONG_BACKLOG_MAX;
    if (!this.#isEnding && !isBehind) this.#socket.write(controlFrame('pong', payload));
  }

  onCloseFrame(payload: Uint8Array): void {
    this.#afterMessages(() => this.#onClosing(payload));
  }

  #onClosing(payload: Uint8Array): void {
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
    this.#isPaused = true;
    this.#messages?.pause();
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#messages === null) this.#socket.resume();
    else this.#messages.resume();
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
