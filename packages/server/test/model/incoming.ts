import type { AckPacket, PublishPacket } from '@promptmq/codec';
import type { Ledger } from './ledger.ts';
import type { ClientProfile } from './model-client.ts';
import { type Publication, Violation } from './publication.ts';
import type { SentCopy, SessionRecord } from './session-record.ts';

/** A QoS 2 message between its PUBLISH and its PUBREL. */
interface Received {
  readonly publication: Publication;
  /** The first that the broker knows to have sent. */
  readonly copy: SentCopy;
}

/** What a client receives: takes each QoS 2 message once, and checks packet identifiers and quota. */
export class Incoming {
  readonly #profile: ClientProfile;
  readonly #ledger: Ledger;
  /** QoS 2 messages received and not yet released, by packet identifier; they outlive a connection. */
  readonly #received = new Map<number, Received>();
  /** Sent on this connection and not yet acknowledged by this client, with what they were. */
  readonly #window = new Map<number, Publication>();
  /** Those of `#received` that the broker may have forgotten, as the session may be another one. */
  readonly #doubtful = new Set<number>();
  readonly #aliases = new Map<number, string>();
  #keptBack: AckPacket[] = [];

  constructor(profile: ClientProfile, ledger: Ledger) {
    this.#profile = profile;
    this.#ledger = ledger;
  }

  get isEmpty(): boolean {
    if (this.#window.size > 0) return false;
    // One that expired after the broker was killed is not sent again, as far as it knows not once.
    const mayStay = ({ options }: Publication) =>
      options.expiry !== null && this.#ledger.crashes > 0;
    return [...this.#received].every(
      ([packetId, { publication }]) => this.#doubtful.has(packetId) || mayStay(publication),
    );
  }

  toString(): string {
    return [...this.#received.keys(), ...this.#window.keys()].join(', ') || 'nothing';
  }

  /** @returns the acknowledgement that is due, or null */
  onPublish(session: SessionRecord, packet: PublishPacket, writtenMs: number): AckPacket | null {
    const { clientId } = this.#profile;
    const topic = this.#topicOf(packet);
    const { qos, messageId = 0, dup } = packet;
    if (qos === 0) {
      this.#ledger.delivered(session, packet, topic, writtenMs);
      return null;
    }
    if (this.#window.has(messageId)) {
      throw new Violation(`${clientId}: packet identifier ${messageId} is in use`);
    }
    const known = this.#received.get(messageId);
    const isOther = known?.publication.payload.compare(packet.payload) !== 0;
    const isForgotten = isOther && this.#doubtful.has(messageId);
    const former = isForgotten ? undefined : known;
    if (isForgotten) this.#received.delete(messageId);
    this.#doubtful.delete(messageId);
    const mayComeAgain = former === undefined || dup || this.#ledger.mayBeForgotten(former.copy);
    if (former !== undefined && (isOther || !mayComeAgain)) {
      throw new Violation(
        `${clientId}: packet identifier ${messageId} has not been released from ${former.publication}`,
      );
    }
    const publication =
      former?.publication ?? this.#ledger.delivered(session, packet, topic, writtenMs);
    this.#window.set(messageId, publication);
    if (this.#window.size > this.#profile.receiveMaximum) {
      throw new Violation(`${clientId}: more than its Receive Maximum [MQTT-3.3.4-9]`);
    }
    if (qos === 1) return { cmd: 'puback', messageId };
    const isKnown = former !== undefined && dup;
    const copy = isKnown ? former.copy : { life: session.brokerLife, writtenMs };
    this.#received.set(messageId, { publication, copy });
    return { cmd: 'pubrec', messageId };
  }

  /** @returns PUBCOMP, with its reason */
  onPubrel({ messageId }: AckPacket): AckPacket {
    const wasKnown = this.#received.delete(messageId);
    this.#doubtful.delete(messageId);
    this.#window.delete(messageId);
    // Known by an earlier connection, whose PUBCOMP was lost [MQTT-4.3.3-11].
    return { cmd: 'pubcomp', messageId, ...(wasKnown ? {} : { reasonCode: 0x92 }) };
  }

  keepBack(packet: AckPacket): void {
    this.#keptBack.push(packet);
  }

  takeKeptBack(): AckPacket[] {
    return this.#keptBack.splice(0);
  }

  /** PUBACK leaves: its packet identifier is the broker's again. */
  acknowledging({ cmd, messageId }: AckPacket): void {
    if (cmd === 'puback') this.#window.delete(messageId);
  }

  disconnected(): void {
    this.#window.clear();
    this.#aliases.clear();
    this.#keptBack = [];
  }

  /** The session may be another one from now on. */
  doubt(): void {
    for (const packetId of this.#received.keys()) this.#doubtful.add(packetId);
  }

  clear(): void {
    this.#received.clear();
    this.#doubtful.clear();
    this.disconnected();
  }

  #topicOf({ topic, properties }: PublishPacket): string {
    const alias = properties?.topicAlias;
    if (alias === undefined) return topic;
    const { clientId, topicAliasMaximum } = this.#profile;
    if (alias > topicAliasMaximum) throw new Violation(`${clientId}: topic alias ${alias}`);
    if (topic !== '') {
      this.#aliases.set(alias, topic);
      return topic;
    }
    const known = this.#aliases.get(alias);
    if (known === undefined) throw new Violation(`${clientId}: unknown topic alias ${alias}`);
    return known;
  }
}
