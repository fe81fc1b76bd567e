import type { PublishProperties } from '@promptmq/codec';

/*
 * The hooks that a program gives to `createBroker`: what they are asked, and how they answer.
 */

/** A client as hooks see it. The same object for the life of a connection: what is learned of the client is in it then. */
export interface HookClient {
  /** The one that the broker assigns where CONNECT has none. */
  readonly clientId: string;
  /** Who it has proved to be; null while or where it has not. */
  readonly userName: string | null;
  /** Address and port. */
  readonly remoteAddress: string;
  /** How it is connected: `tcp`, `tls`, `websocket`, `websocket-tls`, `inside`, or what a program calls the stream that it attached. */
  readonly protocol: string;
  /** Of MQTT: 3 is 3.1, 4 is 3.1.1, 5 is 5.0. */
  readonly version: 3 | 4 | 5;
  /** What the answers of `preConnect` and `authenticate` had; frozen. Empty at first. */
  readonly attributes: HookAttributes;
}

/** Whatever a program wants to know of a client again: kept with its connection, never sent or written. */
export type HookAttributes = Readonly<Record<string, unknown>>;

export const NO_ATTRIBUTES: HookAttributes = Object.freeze({});

/** A CONNECT that has come, before anything of it was looked up. All but the address is what the client says of itself. */
export interface HookConnection {
  /** Address and port. */
  readonly remoteAddress: string;
  readonly protocol: HookClient['protocol'];
  readonly version: HookClient['version'];
  /** Empty where the client leaves it to the broker. */
  readonly clientId: string;
  /** Nobody has proved it yet; null where CONNECT has none. */
  readonly userName: string | null;
  /** Clean Start, before MQTT 5 Clean Session. */
  readonly cleanStart: boolean;
  /** Seconds. */
  readonly keepAlive: number;
  /** The common name of the certificate that the client has proved to own; null without one. */
  readonly certificateName: string | null;
}

/** What a client shows of who it is (§3.1.3.5, §3.1.3.6). */
export interface HookCredentials {
  /** As in CONNECT; null where it has none. */
  readonly userName: string | null;
  /** As in CONNECT; null where it has none. The hook's own. */
  readonly password: Buffer | null;
  /** The common name of the certificate that the client has proved to own; null without one. */
  readonly certificateName: string | null;
}

/**
 * Whether it is allowed, and what else the program says of it. `false` is 0x87, Not authorized.
 *
 * @example
 * return { allow: false, reasonCode: 0x8a, reasonString: 'banned until tomorrow' };
 */
export type HookAnswer = boolean | HookVerdict;

export interface HookVerdict {
  readonly allow: boolean;
  /** Why not: 0x80 or above, and one that the answer to the client may have (§2.4); 0x87 by default. */
  readonly reasonCode?: number;
  /** The same for people. MQTT 5 clients get it where they want to know; it also goes to the log. */
  readonly reasonString?: string;
}

/** A subscription that a client asks for, or that its session has from before. */
export interface HookSubscription {
  /** The whole Topic Filter, `$share/NAME/` included. */
  readonly topicFilter: string;
  /** The Maximum QoS that it gets. */
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  /** 1 to 268,435,455; null when there is none. */
  readonly subscriptionIdentifier: number | null;
  /** Whether the session has it already: at a CONNECT that resumes the session, and after a reload. */
  readonly isResumed: boolean;
}

/**
 * A message that a client publishes. It is good until the hook has answered, and may be another one's then: copy what is kept. Neither
 * payload nor properties are to be changed.
 */
export interface HookMessage {
  /** The topic name, also where the client has sent an alias. */
  readonly topic: string;
  /** A view of what the client has sent. */
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** §3.3.2.3, without Topic Alias. Empty before MQTT 5. */
  readonly properties: PublishProperties;
  /** Whether it is the will of a client that connects: it is published when the client is lost. */
  readonly isWill: boolean;
}

/** What `transform` may answer: `true` leaves the message as it is. */
export type TransformAnswer = boolean | TransformVerdict;

/** What is left out stays as it is. */
export interface TransformVerdict extends Partial<HookVerdict> {
  /** Another topic name. */
  readonly topic?: string;
  /** Another payload; text is sent as UTF-8, bytes are copied. */
  readonly payload?: string | Uint8Array;
  /** Other properties, in the place of all that there were; without Topic Alias and Subscription Identifier. */
  readonly properties?: PublishProperties;
}

/** What `preConnect` may answer. */
export type PreConnectAnswer = boolean | (HookVerdict & { readonly attributes?: HookAttributes });

/** What `authenticate` may answer. */
export type AuthenticateAnswer = boolean | AuthenticateVerdict;

export interface AuthenticateVerdict extends HookVerdict {
  /**
   * Who the client is: rules and sessions are by user. By default whom it has proved to be already, else the user name of its
   * CONNECT. Null: nobody, and `auth.allow-anonymous` says whether it is let in.
   */
  readonly userName?: string | null;
  /** Kept with the connection, together with those of `preConnect`. */
  readonly attributes?: HookAttributes;
  /** What the client may do at most: it narrows what `auth.acl-file` allows, and never adds to it. */
  readonly acl?: HookAcl;
  /** When the client is disconnected (0xA0, Maximum connect time): a date, or milliseconds since 1970. */
  readonly expiresAt?: number | Date;
}

/**
 * Topic filters as in a rule of `auth.acl-file`: `%u` stands for the user name, `%c` for the client identifier. What is left out
 * allows nothing.
 */
export interface HookAcl {
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
}

/**
 * What the broker asks its program. A hook answers at once, or by a promise, within `hooks.timeout`. While a promise is
 * awaited, nothing else of that client is done, and it isn't read from; the others continue.
 *
 * What throws, is rejected, or answers with something else than it may, refuses what it was asked (0x83), is logged
 * (`hook-failed`) and counted. One that takes too long has a client that connects refused (0x88), and one that is connected
 * disconnected (0x89, Server busy, as a DISCONNECT can't have 0x88).
 *
 * `signal` is aborted when the answer isn't needed any more: it took too long, the connection is over or was taken over, or the broker
 * stops. A client that has only closed its own side of the connection isn't read from, and so is noticed when the answer has come. A hook
 * that answers at once may be given the same signal again for the same client.
 */
export interface Hooks {
  /** Asked first, when a CONNECT has come that breaks no rule: before passwords, methods and rules are looked at. */
  preConnect?(
    connection: HookConnection,
    signal: AbortSignal,
  ): PreConnectAnswer | Promise<PreConnectAnswer>;
  /**
   * Asked who a client is, after the password file, where there is one, has let it in. Where there is none, it alone decides.
   * Not asked where a method of enhanced authentication decides (§4.12).
   *
   * @param client - with the `userName` that its certificate, its transport or the password file says
   */
  authenticate?(
    client: HookClient,
    credentials: HookCredentials,
    signal: AbortSignal,
  ): AuthenticateAnswer | Promise<AuthenticateAnswer>;
  /**
   * Asked for each filter of a SUBSCRIBE that the rules allow, one after the other; when a session is resumed, and after a reload,
   * for each that it has. Of those, a filter that is refused is taken away. Where the hook fails, nothing is: the CONNECT is refused, and
   * after a reload the client is disconnected.
   */
  authorizeSubscribe?(
    client: HookClient,
    subscription: HookSubscription,
    signal: AbortSignal,
  ): HookAnswer | Promise<HookAnswer>;
  /**
   * Asked for each message that a client publishes, and for its will at CONNECT: before `authorizePublish` and all rules on topics, which
   * are applied to what comes of it. A QoS 2 message that is sent again is not asked for again.
   */
  transform?(
    client: HookClient,
    message: HookMessage,
    signal: AbortSignal,
  ): TransformAnswer | Promise<TransformAnswer>;
  /**
   * Asked for each message that a client publishes, and for its will at CONNECT, as `transform` has left it; the rules are looked at
   * afterwards. A will that is refused has the CONNECT refused.
   */
  authorizePublish?(
    client: HookClient,
    message: HookMessage,
    signal: AbortSignal,
  ): HookAnswer | Promise<HookAnswer>;
  /**
   * Asked for each message before it is sent to a client, with the QoS and RETAIN that this one gets: at once, as a promise would hold up
   * all that the broker does. What is refused counts as dropped (`refused-by-hook`), for this client alone; its publisher doesn't
   * learn of it. Of a shared subscription, no other member gets it.
   *
   * A message that waits for a client is asked for before it waits, or when it is sent; sent again, it may be asked for again.
   */
  authorizeDeliver?(client: HookClient, message: HookMessage): boolean;
}

export type HookName = keyof Hooks;
