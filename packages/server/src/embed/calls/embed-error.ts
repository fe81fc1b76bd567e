/** Why a call of a `RunningBroker` fails. */
export type EmbedErrorCode =
  /** What was passed is no value that the call takes; nothing has happened. */
  | 'invalid-argument'
  /** The same of a topic name: it is empty, has wildcards or a character that MQTT doesn't allow, or is longer or deeper than the configuration allows. */
  | 'invalid-topic'
  /** The same of a payload: it is neither text nor bytes, or not what its properties say. */
  | 'invalid-payload'
  /** The same of a QoS: it isn't 0, 1 or 2, or is higher than the configuration allows. */
  | 'invalid-qos'
  /** The same of a property: it doesn't belong there, or MQTT doesn't allow its value. */
  | 'invalid-property'
  /** It is the broker's own, such as a topic below `$SYS`, or the configuration has turned it off; nothing has happened. */
  | 'not-allowed'
  /** It has more bytes than the configuration allows; nothing has happened. */
  | 'too-large'
  /** As many are under way as the configuration allows; nothing has happened. */
  | 'too-many'
  /** A cursor isn't good any more: what it stands for has been given up. */
  | 'cursor-expired'
  /** The configuration doesn't have it, such as shared subscriptions with `mqtt.shared-sub-available: false`; nothing has happened. */
  | 'not-available'
  /** A limit of the configuration is reached; nothing has happened. */
  | 'quota-exceeded'
  /** A subscription that has a consumer already. */
  | 'in-use'
  /** Another subscription has taken over the name. */
  | 'taken-over'
  /** A subscription was ended with `clients.disconnect`. */
  | 'disconnected'
  /** The disk has no room for what would have to be written. */
  | 'storage-full'
  /** There are as many retained messages as the configuration allows. */
  | 'retained-full'
  /** A subscriber's queue is full, and `mqtt.queue-overflow` is `reject`. */
  | 'queue-full'
  /** The broker has been stopped. */
  | 'stopped'
  /** Something went wrong in the broker itself, whose log says more. */
  | 'internal-error';

/** A call of a `RunningBroker` can't be done. `code` is for programs, `message` says what was wrong and what is allowed. */
export class EmbedError extends Error {
  readonly code: EmbedErrorCode;
  /** What a client would be answered for the same (§2.4); null where there is no such answer. */
  readonly reasonCode: number | null;

  constructor(code: EmbedErrorCode, message: string, reasonCode: number | null = null) {
    super(message);
    this.name = 'EmbedError';
    this.code = code;
    this.reasonCode = reasonCode;
  }
}

/** What is wrong, for who asks by HTTP or a command: to them the method of the program says nothing. */
export function withoutMethod({ message }: EmbedError): string {
  return message.replace(/^broker\.[\w.]+: /, '');
}
