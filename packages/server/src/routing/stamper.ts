import { withoutUserProperties } from '@promptmq/codec';
import type { Message } from '@promptmq/session';

/** What of a message's origin its user properties can say. */
export type Stamp = 'publisher' | 'user' | 'time';

/** The name of the user property of each. */
const NAMES: Readonly<Record<Stamp, Uint8Array>> = {
  publisher: Buffer.from('x-publisher'),
  user: Buffer.from('x-user'),
  time: Buffer.from('x-time'),
};

const ALL_NAMES = Object.values(NAMES);

const USER_PROPERTY = 0x26;

/** As much text has room in a property (§1.5.4). */
const TEXT_BYTES_MAX = 65_535;

/**
 * Says in the user properties of messages who published them, as the broker knows it: what a publisher has put there under these
 * names is taken out, whichever of them the broker writes.
 */
export class Stamper {
  readonly #hasPublisher: boolean;
  readonly #hasUser: boolean;
  readonly #hasTime: boolean;
  readonly #wallNow: () => number;
  /** For when `#time` is. */
  #timeMs: number;
  #time: Uint8Array;

  /** @param wallNow - milliseconds since 1970 */
  constructor(stamps: readonly Stamp[], wallNow: () => number) {
    this.#hasPublisher = stamps.includes('publisher');
    this.#hasUser = stamps.includes('user');
    this.#hasTime = stamps.includes('time');
    this.#wallNow = wallNow;
    this.#timeMs = Number.NaN;
    this.#time = new Uint8Array(0);
  }

  /**
   * The properties of a message that is published now.
   *
   * @param properties - those that are forwarded, encoded without their length; not changed
   * @param publisherId - null when no client published it
   * @param userName - null when the client has not proved who it is
   */
  propertiesOf(
    properties: Uint8Array,
    publisherId: string | null,
    userName: string | null,
  ): Uint8Array {
    const own = withoutUserProperties(properties, ALL_NAMES);
    const parts = [own];
    if (this.#hasPublisher && publisherId !== null) {
      parts.push(userProperty(NAMES.publisher, Buffer.from(publisherId)));
    }
    if (this.#hasUser && userName !== null) {
      parts.push(userProperty(NAMES.user, Buffer.from(userName)));
    }
    if (this.#hasTime) parts.push(this.#timeProperty());
    return parts.length === 1 ? own : Buffer.concat(parts);
  }

  /** The same as a message. */
  stamped(message: Message, publisherId: string | null, userName: string | null): Message {
    const properties = this.propertiesOf(message.properties, publisherId, userName);
    return { ...message, properties };
  }

  #timeProperty(): Uint8Array {
    const now = this.#wallNow();
    if (now !== this.#timeMs) {
      this.#timeMs = now;
      this.#time = userProperty(NAMES.time, Buffer.from(new Date(now).toISOString()));
    }
    return this.#time;
  }
}

function userProperty(name: Uint8Array, value: Uint8Array): Uint8Array {
  // User names of providers may be longer than MQTT's texts: what isn't whole would be another's.
  const text = value.length > TEXT_BYTES_MAX ? value.subarray(0, 0) : value;
  const property = Buffer.allocUnsafe(1 + 2 + name.length + 2 + text.length);
  property[0] = USER_PROPERTY;
  property.writeUInt16BE(name.length, 1);
  property.set(name, 3);
  property.writeUInt16BE(text.length, 3 + name.length);
  property.set(text, 5 + name.length);
  return property;
}
