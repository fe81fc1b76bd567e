import type { CertificateFacts } from '@promptmq/auth';
import type { PacketError } from '@promptmq/codec';
import type { MountPoint } from '@promptmq/topics';
import type { ConnectionPlace } from '../limits/connection-places.ts';
import type { RateAccount } from '../limits/rates/keyed-rates.ts';

/** What holds for the clients of a listener. A reload makes other terms, for those that come from then on. */
export interface ListenerTerms {
  /** Its name in the configuration. */
  readonly name: string;
  /** The versions of MQTT that it takes, as protocol levels; null: all. */
  readonly versions: readonly number[] | null;
  /** The part of the topic tree that its clients have for themselves; null: they have all of it. */
  readonly mountPoint: MountPoint | null;
  /** Clients that may be connected to it at the same time; Infinity: as many as to the broker. */
  readonly maxConnections: number;
  /** What its clients may do in a time, all together; null: whatever they may do elsewhere. */
  readonly rates: RateAccount | null;
  /** Those that are, by whatever terms. */
  readonly clients: { count: number };
}

/** How the broker's side of a connection moves bytes: a TCP socket, a WebSocket, or a simulation. */
export interface Transport {
  /** For logs: the peer's address and port. */
  readonly remoteAddress: string;
  /** For logs and hooks: `tcp`, `tls`, `websocket`, `websocket-tls`, `inside`, or what a program calls its stream. */
  readonly protocol: string;
  /** Of the listener that accepted it; left out where the program brought it. */
  readonly listener?: ListenerTerms | null;
  /** What the client's certificate says, where it has proved to own one. */
  readonly certificate?: CertificateFacts | null;
  /** The common name of the client's certificate, where it has proved to own one. */
  readonly certificateName?: string | null;
  /** The identity whose key the client has proved to know (TLS-PSK). */
  readonly pskIdentity?: string | null;
  /** Who the client is, where the program that brought the connection vouches for that; it goes before all that CONNECT says. */
  readonly userName?: string | null;
  /** When the socket was accepted, in milliseconds of the runtime's clock; where it is left out, when the broker got it. */
  readonly acceptedAt?: number;
  /** Where it counts as a connection; where it is left out, the broker gives it a place. */
  readonly place?: ConnectionPlace;
  /** Bytes that its socket has brought and taken, those of TLS and WebSocket included; left out where there is none. */
  readonly bytesReceived?: number;
  readonly bytesSent?: number;
  /** The port of the listener that it came to; left out where there is none. */
  readonly localPort?: number;
  /** The largest packet that it can bring, in bytes; where it is left out, any. */
  readonly maximumPacketSize?: number;
  /**
   * Sends bytes in order. The buffer belongs to the transport until `onWritten` gives it back. Once it is closed, nothing
   * happens.
   */
  write(chunk: Uint8Array): void;
  /** Between `cork` and `uncork`, writes may be held back and sent together. */
  cork(): void;
  uncork(): void;
  /** Stops reading: what the peer sends waits in its own and the system's buffers. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes the sending side; what the peer sends still arrives. */
  end(): void;
  /** Closes both sides at once; what was not sent is lost. `onClose` follows. */
  destroy(): void;
  /**
   * Gives its socket away, so that another process reads it from here on; nothing was written to it yet. Left out where there is no
   * socket of the system that carries MQTT as it is.
   *
   * @returns null when it can't be done, and nothing was done
   */
  giveAway?(): GivenSocket | null;
}

/** A socket that isn't read from any more. */
export interface GivenSocket {
  /** The system's handle, which can be sent to another process. */
  readonly handle: object;
  /** What has been read of it, and was not reported. */
  readonly unread: Uint8Array;
  /** Closes this process's side of it, when the other one has it; `onClose` of the transport follows. */
  close(): void;
}

/** What a transport reports. No method is called after `onClose`. */
export interface TransportHandler {
  /** Bytes arrived. The chunk is the handler's from now on: the transport doesn't touch it again. */
  onData(chunk: Uint8Array): void;
  /** A chunk has been handed to the operating system; called in the order of the writes. */
  onWritten(chunk: Uint8Array): void;
  /** Whether a CONNECT was accepted, and the connection isn't over. */
  readonly isConnected: boolean;
  /** The peer broke a rule of the transport: says so to the client, and closes. */
  refuse(error: PacketError): void;
  /** The peer closed its sending side. */
  onEnd(): void;
  onClose(error: Error | null): void;
}
