import type { AckPacket, PublishPacket } from '@promptmq/codec';
import type { Ledger } from './ledger.ts';
import type { ClientProfile } from './model-client.ts';
import { type Publication, Violation } from './publication.ts';

/** What a broker answers with when it has no room. */
export const QUOTA_EXCEEDED = 0x97;

/** Where a message stands between PUBLISH and its last acknowledgement (§4.3). */
interface Exchange {
  readonly publication: Publication;
  phase: 'published' | 'released';
  /** When it was sent last, in milliseconds. */
  sentMs: number;
  /** PUBREL was sent on an earlier connection, too: the broker may be done with it. */
  wasReleasedBefore: boolean;
}

/** The QoS 1 and 2 messages that a client has sent and that are not fully acknowledged. */
export class Outgoing {
  readonly #profile: ClientProfile;
  readonly #ledger: Ledger;
  /** By packet identifier, in the order in which they were sent. */
  readonly #exchanges = new Map<number, Exchange>();
  #limit: number;

  constructor(profile: ClientProfile, ledger: Ledger) {
    this.#profile = profile;
    this.#ledger = ledger;
    this.#limit = profile.packetIdMax;
  }

  get isEmpty(): boolean {
    return this.#exchanges.size === 0;
  }

  toString(): string {
    return [...this.#exchanges].map(([id, { phase }]) => `${id} ${phase}`).join(', ') || 'nothing';
  }

  /** @param requestCount - packet identifiers that SUBSCRIBE and UNSUBSCRIBE occupy */
  hasRoom(requestCount: number): boolean {
    const used = this.#exchanges.size;
    return used < this.#limit && used + requestCount < this.#profile.packetIdMax;
  }

  /** The lowest packet identifier that is not in use [MQTT-2.2.1-3]. */
  freePacketId(isTaken: (packetId: number) => boolean): number {
    let packetId = 1;
    while (this.#exchanges.has(packetId) || isTaken(packetId)) packetId++;
    return packetId;
  }

  publish(publication: Publication, isTaken: (packetId: number) => boolean): PublishPacket {
    this.#ledger.mayBeRouted(publication);
    if (publication.options.qos === 0) return this.#packet(publication, 0, false);
    const packetId = this.freePacketId(isTaken);
    this.#exchanges.set(packetId, {
      publication,
      phase: 'published',
      sentMs: this.#ledger.now(),
      wasReleasedBefore: false,
    });
    return this.#packet(publication, packetId, false);
  }

  /** What has to be sent again on a new connection, in order [MQTT-4.4.0-1] [MQTT-4.6.0-1]. */
  connected(receiveMaximum = 65_535): (PublishPacket | AckPacket)[] {
    this.#limit = Math.min(this.#profile.packetIdMax, receiveMaximum);
    return [...this.#exchanges].map(([messageId, exchange]) => {
      if (exchange.phase === 'released') return { cmd: 'pubrel', messageId };
      if (this.#ledger.outages.wasSince(exchange.sentMs)) exchange.publication.refusals++;
      exchange.sentMs = this.#ledger.now();
      this.#ledger.mayBeRouted(exchange.publication);
      return this.#packet(exchange.publication, messageId, true);
    });
  }

  /** The session may be another one from now on: what comes again is new to it. */
  doubt(): void {
    for (const { publication, phase } of this.#exchanges.values()) {
      if (phase === 'published') publication.forgettings++;
    }
  }

  disconnected(): void {
    for (const exchange of this.#exchanges.values()) {
      if (exchange.phase === 'released') exchange.wasReleasedBefore = true;
    }
  }

  /** The session is over, and with it what it was about to send. */
  clear(): void {
    this.#exchanges.clear();
  }

  /** @returns what to answer, or null */
  onAck({ cmd, messageId, reasonCode = 0 }: AckPacket): AckPacket | null {
    const exchange = this.#exchanges.get(messageId);
    const where = `${this.#profile.clientId}: ${cmd.toUpperCase()} ${messageId}`;
    if (exchange === undefined) throw new Violation(`${where} of no message`);
    const { publication, phase } = exchange;
    const isExpected =
      cmd === 'puback'
        ? publication.options.qos === 1
        : publication.options.qos === 2 && phase === (cmd === 'pubrec' ? 'published' : 'released');
    if (!isExpected) throw new Violation(`${where} of ${publication}, which is ${phase}`);
    if (cmd === 'pubcomp') {
      this.#exchanges.delete(messageId);
      if (reasonCode !== 0 && !exchange.wasReleasedBefore) {
        throw new Violation(`${where}: ${reasonCode} for ${publication}`);
      }
      return null;
    }
    if (reasonCode >= 0x80) {
      const isFull =
        reasonCode === QUOTA_EXCEEDED && this.#ledger.outages.wasSince(exchange.sentMs);
      if (!isFull) throw new Violation(`${where}: ${publication} refused, ${reasonCode}`);
      this.#exchanges.delete(messageId); // [MQTT-4.3.3-9]
      this.#ledger.refused(publication);
      return null;
    }
    this.#ledger.promised(publication);
    if (cmd === 'puback') {
      this.#exchanges.delete(messageId);
      return null;
    }
    exchange.phase = 'released';
    return { cmd: 'pubrel', messageId };
  }

  #packet(publication: Publication, packetId: number, dup: boolean): PublishPacket {
    const { qos, retain, topic, expiry } = publication.options;
    return {
      cmd: 'publish',
      qos,
      dup,
      retain,
      topic,
      payload: publication.payload,
      ...(qos === 0 ? {} : { messageId: packetId }),
      ...(this.#profile.version === 5 && expiry !== null
        ? { properties: { messageExpiryInterval: expiry } }
        : {}),
    };
  }
}
