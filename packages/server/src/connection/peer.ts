import type { Admitted, Permissions } from '@promptmq/auth';
import type { AuthPacket, ProtocolVersion } from '@promptmq/codec';
import type { Session, SessionLink } from '@promptmq/session';
import type { MountPoint } from '@promptmq/topics';
import type { AclLimits, Rights } from '../access/index.ts';
import type { ClientHooks } from '../hooks/client-hooks.ts';
import type { ConnectionPlace } from '../limits/connection-places.ts';
import type { Faulty } from '../runtime/faults.ts';
import type { ConnectionState } from './connection-state.ts';
import type { InboundAliases } from './inbound-aliases.ts';
import type { PacketSender } from './sender/packet-sender.ts';
import type { Transport } from './transport.ts';

/** What a client asked for, after CONNECT was accepted. */
export interface ConnectionTerms {
  readonly session: Session<SessionPeer>;
  /** Seconds; 0 turns keep alive off. */
  readonly keepAlive: number;
  /** Session Expiry Interval of the CONNECT, in seconds (§3.14.2.2.2). */
  readonly sessionExpiryInterval: number;
  readonly topicAliasMaximum: number;
  /** Whether it is a bridge of mosquitto, by its protocol level. */
  readonly isBridge: boolean;
  readonly cleanStart: boolean;
}

/** What a connection counts in the broker's memory. */
export interface HeldBytes {
  readonly input: number;
  readonly output: number;
  readonly aliases: number;
}

/** The enhanced authentication of one connection (§4.12). */
export interface PeerAuthentication {
  readonly methodName: string;
  /** @throws {PacketError} where AUTH doesn't belong */
  onAuth(packet: AuthPacket): void;
}

/** Who publishes, as far as reading from it goes. */
export interface HeldPublisher {
  pauseReading(): void;
  resumeReading(): void;
}

/** Who has a session, and gets what it sends: the connection of a client, or a consumer inside of the program. */
export interface SessionPeer extends SessionLink, Faulty {
  /** The connection; null for a consumer inside of the program. */
  readonly connection: Peer | null;
  /** What it is sent can be encoded here, past the session; null when it takes messages only. */
  readonly sender: PacketSender | null;
  /** Whether so much waits for it that those who publish to it had better wait, too. */
  readonly isCongested: boolean;
  /** Stops reading from a publisher until this one has caught up, or shows that it won't. */
  holdBack(publisher: HeldPublisher): void;
  /** It may have taken something: publishers continue when half of what was too much is gone. */
  relievePublishers(): void;
  /** Something is given up that it was owed, as it has expired or the disk has refused it. Only those of other cells want to know. */
  onGivenUp?(): void;
  /**
   * Ends it from our side. A client gets DISCONNECT where its version has one.
   *
   * @param cause - for logs, and for a consumer
   * @param reasonString - for the client, if it wants to know (§3.14.2.2.3)
   * @param will - what becomes of its will; it is published by the rules unless told otherwise
   */
  disconnect(
    reasonCode: number,
    cause: string,
    reasonString?: string,
    will?: 'send-will' | 'discard-will',
  ): void;
  /**
   * Somebody else takes the session over [MQTT-3.1.4-3].
   *
   * @param by - from where: address and port; null for the program
   */
  takeOver(by: string | null): void;
  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void;
}

/** A consumer inside of the program. */
export interface Consumer extends SessionPeer {
  readonly connection: null;
  /** The broker stops: so does the consumer, in order. */
  stop(): void;
}

/**
 * What the rest of the broker sees of a connection: those who answer packets, who route messages, and the sessions.
 *
 * Invariant: `session` is set exactly while the state is Open.
 */
export interface Peer extends SessionPeer {
  readonly connection: Peer;
  readonly transport: Transport;
  /** Where it counts as a connection. */
  readonly place: ConnectionPlace;
  readonly state: ConnectionState;
  /** Whether its CONNECT was accepted, and it isn't over. */
  readonly isConnected: boolean;
  /** Whether nothing more is sent or processed. */
  readonly isEnding: boolean;
  readonly version: ProtocolVersion;
  readonly clientId: string;
  readonly session: Session<SessionPeer> | null;
  /** The part of the topic tree that its topics and filters are of; null: all of it. */
  readonly mountPoint: MountPoint | null;
  /** Whether what it subscribes is as with No Local and Retain As Published, which MQTT 3.1 and 3.1.1 don't have. */
  readonly isBridge: boolean;
  /** Whether its CONNECT asked for a new session. */
  readonly cleanStart: boolean;
  /** What it can be sent at most that CONNACK says, in bytes, fixed header included. */
  readonly maximumPacketSize: number;
  /** Session Expiry Interval of the CONNECT, in seconds (§3.14.2.2.2). */
  readonly sessionExpiryInterval: number;
  /** Milliseconds of the broker's time. */
  readonly openedAt: number;
  /** When the bytes came that are processed now, or came last; milliseconds of the broker's time. */
  readonly receivedAt: number;
  /** Its place among the CONNECTs of all clients, by when they came, or the AUTH that went on with them; 0 before. */
  connectNumber: number;

  readonly timeouts: {
    /** A packet has come whole. */
    onPacket(): void;
    /** When its client is to be disconnected (0xA0), in milliseconds of the broker's time. */
    expireAt(at: number): void;
    /** When what its client has shown ends (0x87), in milliseconds of the broker's time; Infinity when it doesn't. */
    proveUntil(at: number): void;
    /** Seconds; 0 when keep alive is off. */
    readonly keepAlive: number;
  };

  // Who it is.

  /** Who the client proved to be; null when it didn't. */
  userName: string | null;
  /** Who said so, and what goes with it; that it is nobody until it has been let in. */
  admission: Admitted;
  /** What is asked about its CONNECT, and awaited; null when nothing is. Aborted when the connection is over. */
  asked: AbortController | null;
  /** What the client may do; null when it may do everything. */
  permissions: Permissions | null;
  /** What these permissions were made of; null before CONNECT. */
  rights: Rights | null;
  /** What it may do at most, as a hook has answered, whatever the rules are; null when it hasn't said so. */
  limits: AclLimits | null;
  /** Set by a CONNECT that names an authentication method (§4.12). */
  authentication: PeerAuthentication | null;
  /** The hooks as they are asked for it; null before CONNECT, and where there are none. */
  hooks: ClientHooks | null;

  // What it publishes.

  /** The topics to which it has given an alias. */
  readonly inboundAliases: InboundAliases;
  /** Stops reading from it; reading continues after as many calls of `resumeReading`. */
  pauseReading(): void;
  resumeReading(): void;

  // What it is sent.

  readonly sender: PacketSender;

  // Its way from CONNECT to its end.

  /** An answer takes a while: nothing is read or processed until as many calls of `resume`. */
  suspend(): void;
  resume(): void;
  /** CONNECT was accepted: from here on the connection is the session's. */
  open(terms: ConnectionTerms): void;
  /** Nothing that is sent from here on leaves: to be called before CONNACK is sent. `releaseWhenCommitted` follows. */
  hold(): void;
  /**
   * CONNACK and what follows it leave when the record that they stand for is committed.
   *
   * @param onRefused - called before the connection is ended because the record never will be
   */
  releaseWhenCommitted(position: number, onRefused: () => void): void;
  /** Other rules apply than those under which what waits for it was queued: after a reload, or as its session is resumed. */
  changePermissions(permissions: Permissions | null): void;
  /** A subscription was granted: where it may bring what the rules deny, each message is asked about from now on. */
  updateFilter(): void;
  /** A reload has other rates apply: what it waits for is over. */
  renewThrottle(): void;
  /** Overload has begun, by which those who publish or subscribe wait, or it is over. */
  updateHolding(): void;
  /** Reports this client's packets from now on if somebody looks at them, else no more. */
  updateTrace(clientId: string): void;
  /** Answers CONNECT with an error and closes [MQTT-3.2.2-7]. */
  rejectConnect(reasonCode: number, reasonString: string): void;
  /** The client has ended the connection by DISCONNECT (§3.14.4). */
  closeAsAsked(will: 'send-will' | 'discard-will', reasonCode: number): void;
  /** Bytes that it counts in the broker's memory, by kind; what travels by reference is counted for all together. */
  readonly held: HeldBytes;
  /** Closes without a word. */
  terminate(cause?: string): void;
}
