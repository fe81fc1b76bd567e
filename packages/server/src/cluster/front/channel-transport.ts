import type { CertificateFacts } from '@promptmq/auth';
import type { Channel, ChannelUser } from '@promptmq/cluster';
import { PacketError } from '@promptmq/codec';
import type { ListenerTerms, Transport, TransportHandler } from '../../connection/transport.ts';
import type { ClientFacts } from './client-facts.ts';

/** The client has ended its side. */
const END = Symbol('end');

/**
 * The connection of a client that another process has accepted: its bytes come and go over a channel.
 *
 * Invariant: what comes while it is paused is kept, and not taken from the channel: so it is at most the channel's window.
 */
export class ChannelTransport implements Transport, ChannelUser {
  readonly remoteAddress: string;
  readonly protocol: string;
  readonly listener: ListenerTerms | null;
  readonly certificate: CertificateFacts | null;
  readonly certificateName: string | null;
  readonly pskIdentity: string | null;
  readonly userName: string | null;
  readonly acceptedAt: number;
  readonly localPort: number;
  readonly maximumPacketSize: number;
  bytesReceived = 0;
  bytesSent = 0;
  readonly #channel: Channel;
  #handler: TransportHandler | null = null;
  #isPaused = false;
  #isReporting = false;
  #unread: (Uint8Array | typeof END)[] = [];

  /**
   * @param listener - that of this process which has the name of the one that the client came to
   * @param acceptedAt - milliseconds of the broker's clock
   */
  constructor(
    channel: Channel,
    facts: ClientFacts,
    listener: ListenerTerms | null,
    acceptedAt: number,
  ) {
    this.#channel = channel;
    this.remoteAddress = facts.remoteAddress;
    this.protocol = facts.protocol;
    this.listener = listener;
    this.certificate = facts.certificate;
    this.certificateName = facts.certificateName;
    this.pskIdentity = facts.pskIdentity;
    this.userName = facts.userName;
    this.acceptedAt = acceptedAt;
    this.localPort = facts.localPort;
    this.maximumPacketSize = facts.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
  }

  // --------------------------------------------------------- what the broker calls

  write(chunk: Uint8Array): void {
    this.bytesSent += chunk.length;
    this.#channel.write(chunk);
  }

  // What is sent in a turn goes over the link together, anyway.
  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#report();
  }

  end(): void {
    this.#channel.end();
  }

  destroy(): void {
    if (!this.#channel.isOpen) return;
    this.#channel.close();
    // As with a socket: not within the call.
    queueMicrotask(() => this.onClose());
  }

  // -------------------------------------------------------- what the channel calls

  onData(bytes: Uint8Array): void {
    this.bytesReceived += bytes.length;
    this.#unread.push(bytes);
    this.#report();
  }

  onWritten(bytes: Uint8Array): void {
    this.#handler?.onWritten(bytes);
  }

  onEnd(): void {
    this.#unread.push(END);
    this.#report();
  }

  onRefuse(why: Uint8Array): void {
    const { reasonCode, rule, message } = JSON.parse(Buffer.from(why).toString()) as RefusalText;
    this.#handler?.refuse(new PacketError(reasonCode, rule, 0, message));
  }

  onClose(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#handler = null;
    handler.onClose(null);
  }

  /** Passes on what has come, unless the broker takes nothing for now. */
  #report(): void {
    if (this.#isReporting || this.#handler === null) return;
    this.#isReporting = true;
    while (!this.#isPaused && this.#unread.length > 0) {
      const next = this.#unread.shift() as Uint8Array | typeof END;
      if (next === END) {
        this.#handler.onEnd();
      } else {
        this.#channel.taken(next.length);
        this.#handler.onData(next);
      }
    }
    this.#isReporting = false;
  }
}

/** What a transport has refused, in the process that accepted the client. */
interface RefusalText {
  readonly reasonCode: number;
  readonly rule: string;
  readonly message: string;
}

/** What `PacketError` adds to a message. */
const PLACE = / \[[^\]]*\] at byte \d+$/;

/** The body with which the other process is told that the client has broken a rule of its transport. */
export function encodeRefusal({ reasonCode, rule, message }: PacketError): Uint8Array {
  const text: RefusalText = { reasonCode, rule, message: message.replace(PLACE, '') };
  return Buffer.from(JSON.stringify(text));
}
