import {
  type AckPacket,
  type ConnackPacket,
  type DisconnectPacket,
  encode,
  type Packet,
  PacketDecoder,
  type PublishPacket,
  type QoS,
  type SubackPacket,
  type UnsubackPacket,
} from '@promptmq/codec';
import { Incoming } from './incoming.ts';
import { type Ledger, NEVER_EXPIRES } from './ledger.ts';
import { Outgoing, QUOTA_EXCEEDED } from './outgoing.ts';
import { type Publication, Violation } from './publication.ts';
import type { SessionRecord, Span, SubscriptionWish } from './session-record.ts';
import { WillRecord } from './will-record.ts';

export interface ClientProfile {
  readonly clientId: string;
  readonly version: 4 | 5;
  /** Seconds that its session outlives a connection; before MQTT 5 only 0 and NEVER_EXPIRES, and 0 after a clean start. */
  readonly sessionExpiry: number;
  readonly receiveMaximum: number;
  /** Packet identifiers that it uses; few, so that they are soon used again. */
  readonly packetIdMax: number;
  readonly topicAliasMaximum: number;
}

/** The client's end of a network connection. */
export interface ClientLink {
  send(bytes: Uint8Array): void;
  /** Closes the sending side. */
  end(): void;
}

export interface WillWish {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Seconds; 0 before MQTT 5. */
  readonly delay: number;
  readonly size: number;
}

type State = 'idle' | 'connecting' | 'connected' | 'disconnecting';

/** A SUBSCRIBE or UNSUBSCRIBE that waits for its acknowledgement. */
type Request =
  | { readonly span: Span; readonly sentMs: number }
  | { readonly ending: readonly Span[] };

/** Reason codes of what a broker on a full disk, or one that stops, says beside `QUOTA_EXCEEDED`. */
const SERVER_SHUTTING_DOWN = 0x8b;
const SERVER_UNAVAILABLE_V4 = 3;
const SUBSCRIBE_FAILURE_V4 = 0x80;

/** After this time a cell of several may say that a subscription is not known to all others, in milliseconds. */
const UNROUTED_MS = 5000;

/**
 * A client that does exactly what the standard asks of one, across connections, and tells the ledger of
 * it. It does no I/O: a link takes its bytes, and whoever runs it reports what comes and ends.
 *
 * Invariant: what a client may not do, such as giving up a session that the broker keeps, it doesn't do;
 * so whatever goes wrong is the broker's doing.
 */
export class ModelClient {
  readonly profile: ClientProfile;
  readonly ledger: Ledger;
  session: SessionRecord | null = null;
  state: State = 'idle';
  /** Acknowledgements are kept back while it is set. */
  isSlow = false;
  /** Of the latest connection. */
  link: ClientLink | null = null;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  #decoder: PacketDecoder;
  /** The broker is stopping in order: it may close the connection that there is. */
  #isDismissed = false;
  /** The broker said with DISCONNECT that it closes the connection. */
  #isTold = false;
  #requests = new Map<number, Request>();
  #isClean = false;
  /** Seconds that the session outlives the present connection, or outlived the last one. */
  #expiry = 0;
  /** A clean start was asked for and is not confirmed: until it is, all are clean. */
  #mustStartClean = false;
  /** A CONNECT without clean start was not answered: it may have made a session. */
  #mayExist = false;
  #connectedMs = 0;
  /** When the broker took up the session without room to store that; null when it had room. */
  #unstoredMs: number | null = null;
  /** How often the broker had been killed before it got the CONNECT. */
  #brokerLife = 0;
  /** Those that the broker may not know to be over. */
  readonly #openLinks = new Set<ClientLink>();
  #cutMs: number | null = null;
  #noticedMs: number | null = null;
  /** When the connection ended: at the earliest, and at the latest as far as that is known. */
  #leftFromMs = 0;
  #leftToMs = 0;
  /** The last DISCONNECT took the will with it, if it arrived. */
  #isNormalEnd = false;
  #will: WillRecord | null = null;
  #formerWill: WillRecord | null = null;

  constructor(profile: ClientProfile, ledger: Ledger) {
    this.profile = profile;
    this.ledger = ledger;
    this.#outgoing = new Outgoing(profile, ledger);
    this.#incoming = new Incoming(profile, ledger);
    this.#decoder = new PacketDecoder();
  }

  get isConnected(): boolean {
    return this.state === 'connected';
  }

  /** Nothing is under way in either direction. */
  get isIdle(): boolean {
    return this.#outgoing.isEmpty && this.#incoming.isEmpty && this.#requests.size === 0;
  }

  /** What is under way, for who waits for it in vain. */
  get unfinished(): string {
    return `${this.profile.clientId}: ${this.state}, ${this.#outgoing} out, ${this.#incoming} in, ${this.#requests.size} requests`;
  }

  // ------------------------------------------------------------------ connections

  /** Sends CONNECT on a new link; an older one is not listened to any more. */
  connect(link: ClientLink, wishesClean: boolean, wish: WillWish | null): void {
    if (this.state !== 'idle') this.#leave();
    const { clientId, version, sessionExpiry, receiveMaximum, topicAliasMaximum } = this.profile;
    this.#formerWill?.settleIfDue();
    this.#isClean = wishesClean || this.#mustStartClean || (version === 4 && sessionExpiry === 0);
    this.#expiry = version === 4 && this.#isClean ? 0 : sessionExpiry;
    if (this.#isClean) this.#giveUpSession();
    this.link = link;
    this.#openLinks.add(link);
    this.#cutMs = null;
    this.#noticedMs = null;
    this.#isDismissed = false;
    this.#isTold = false;
    this.state = 'connecting';
    this.#connectedMs = this.ledger.now();
    this.#brokerLife = this.ledger.crashes;
    this.#decoder = new PacketDecoder({ protocolVersion: version, receiver: 'client' });
    const will = wish === null ? null : this.#willOf(wish);
    this.#will = will;
    this.ledger.trace?.(
      `${clientId}: CONNECT${this.#isClean ? ' clean' : ''} ${will?.publication ?? ''}`,
    );
    this.#send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: version,
      clean: this.#isClean,
      keepalive: 0,
      clientId,
      ...(wish === null || will === null ? {} : { will: this.#willFields(wish, will.publication) }),
      ...(version === 5
        ? {
            properties: {
              sessionExpiryInterval: sessionExpiry,
              receiveMaximum,
              ...(topicAliasMaximum > 0 ? { topicAliasMaximum } : {}),
            },
          }
        : {}),
    });
  }

  #willOf({ topic, qos, retain, delay, size }: WillWish): WillRecord {
    const { clientId } = this.profile;
    const publication = this.ledger.publication({
      publisher: clientId,
      topic,
      qos,
      retain,
      size,
      expiry: null,
      isWill: true,
    });
    return new WillRecord(this.ledger, publication, Math.min(delay, this.#expiry) * 1000);
  }

  #willFields({ topic, qos, retain, delay }: WillWish, { payload }: Publication) {
    return {
      topic,
      payload,
      qos,
      retain,
      ...(this.profile.version === 5 ? { properties: { willDelayInterval: delay } } : {}),
    };
  }

  /** Sends DISCONNECT and closes. */
  disconnect(how: 'normal' | 'with-will' | 'ending-session'): void {
    const { clientId, version, sessionExpiry } = this.profile;
    this.ledger.trace?.(`${clientId}: DISCONNECT ${how}`);
    const link = this.link as ClientLink;
    const endsSession = how === 'ending-session' && version === 5 && sessionExpiry > 0;
    this.#send({
      cmd: 'disconnect',
      ...(version === 5 && how === 'with-will' ? { reasonCode: 4 } : {}),
      ...(endsSession ? { properties: { sessionExpiryInterval: 0 } } : {}),
    });
    link.end();
    this.#isNormalEnd = version === 4 || how !== 'with-will';
    if (this.#isNormalEnd) this.#will?.mayBeDiscarded();
    this.#leave();
    this.state = 'disconnecting';
    if (endsSession) this.#giveUpSession();
  }

  /** The broker closed its side of a link, after everything that it had to say. */
  onEnd(link: ClientLink): void {
    if (link !== this.link || this.state === 'idle') return;
    this.ledger.trace?.(`${this.profile.clientId}: the broker closed`);
    if (this.state === 'disconnecting') {
      // One that stops, or has no room, may have closed before DISCONNECT came.
      const hadReason =
        this.#isDismissed || this.ledger.outages.wasSince(this.#cutMs ?? this.#connectedMs);
      if (this.#isNormalEnd && !hadReason) this.#formerWill?.discarded();
    } else {
      if (!this.#mayBeClosed()) {
        throw new Violation(`${this.profile.clientId}: the broker closed the connection`);
      }
      this.#leave();
    }
    this.state = 'idle';
  }

  /** Whether the broker has a reason to close: it stops, or its disk refused what can't be refused in words. */
  #mayBeClosed(): boolean {
    const { version } = this.profile;
    if (this.#isTold) return true;
    if (this.state === 'connected' && version === 5) return false; // [MQTT-4.13.1-1]
    if (this.#isDismissed) return true;
    if (!this.ledger.outages.wasSince(this.#connectedMs)) return false;
    return this.state === 'connecting' || !this.#outgoing.isEmpty || this.#requests.size > 0;
  }

  /** The broker begins to stop in order: whoever is connected is notified, and the connection closed. */
  onStopping(): void {
    this.#isDismissed = true;
    if (this.link !== null) this.onCut(this.link);
  }

  /** A link was cut, for no reason that the broker is to blame for. */
  onLost(link: ClientLink): void {
    if (link !== this.link || this.state === 'idle') return;
    this.ledger.trace?.(`${this.profile.clientId}: connection lost`);
    if (this.state !== 'disconnecting') this.#leave();
    this.state = 'idle';
  }

  /** The network has cut a link; neither side may know yet. */
  onCut(link: ClientLink): void {
    if (link !== this.link || this.#cutMs !== null) return;
    this.#cutMs = this.ledger.now();
    this.#will?.left();
  }

  /** The broker surely knows by now that a link is over. */
  onNoticed(link: ClientLink): void {
    this.#openLinks.delete(link);
    if (this.#openLinks.size === 0) this.#leftToMs = this.ledger.now();
    if (link !== this.link || this.#noticedMs !== null) return;
    this.#noticedMs = this.ledger.now();
    (this.#will ?? this.#formerWill)?.noticed();
  }

  /** The broker was killed; this client has noticed, and has read all that had been sent to it. */
  onBrokerDied(): void {
    this.#leftToMs = Number.POSITIVE_INFINITY;
    this.#noticedMs = null;
    const isUndone = this.#unstoredMs !== null && this.ledger.wasUndone(this.#unstoredMs);
    // Of a session that ends with its connection, nothing is kept; nor of what a full disk took nothing.
    if (this.#expiry === 0 || isUndone) this.#formerWill = null;
    // The session may be as old as it was before.
    if (isUndone) this.#leftFromMs = Number.NEGATIVE_INFINITY;
    this.#formerWill?.unnoticed();
  }

  /** It serves again: by now it knows that the connections of its former life are over. */
  onBrokerBack(): void {
    this.#openLinks.clear();
    this.#leftToMs = this.ledger.now();
    if (this.link !== null) this.onNoticed(this.link);
  }

  /** For the last time: wills that are due by now. */
  settle(): void {
    this.#formerWill?.settleIfDue();
  }

  /** The connection is over, as far as this client knows. */
  #leave(): void {
    if (this.state === 'disconnecting' || this.state === 'idle') return;
    this.onCut(this.link as ClientLink);
    const wasConnected = this.state === 'connected';
    if (wasConnected) this.#leftFromMs = this.#cutMs as number;
    else if (!this.#isClean) this.#onUnansweredConnect();
    if (this.#openLinks.size > 0) this.#leftToMs = Number.POSITIVE_INFINITY;
    this.state = 'idle';
    this.#requests.clear();
    this.#incoming.disconnected();
    this.#outgoing.disconnected();
    // An attempt that wasn't answered may have replaced the former one, or not: nothing is known of it.
    this.#formerWill = this.#will;
    this.#will = null;
    if (this.#expiry === 0) {
      this.#giveUpSession();
      // The broker's ends with the connection, or when it is taken over.
      if (wasConnected || this.profile.sessionExpiry === 0) this.#mustStartClean = false;
    }
  }

  /** A CONNECT without clean start may have made a session, or have resumed the one that there was. */
  #onUnansweredConnect(): void {
    if (this.session === null) this.#mayExist = true;
    else if (this.#expectedPresence() !== true) {
      this.ledger.endSession(this.session, false);
      this.#incoming.doubt();
      this.#outgoing.doubt();
    }
  }

  /** This client starts again from nothing; the broker's session ends when it hears of it. */
  #giveUpSession(): void {
    const { session } = this;
    if (session !== null) this.ledger.endSession(session, true);
    this.session = null;
    this.#mustStartClean = true;
    this.#outgoing.clear();
    this.#incoming.clear();
  }

  // -------------------------------------------------------------------- receiving

  /** @param writtenMs - when the broker had written the bytes, at the latest */
  receive(link: ClientLink, chunk: Uint8Array, writtenMs: number): void {
    if (link !== this.link || this.state === 'idle' || this.state === 'disconnecting') return;
    for (const packet of this.#decoder.push(chunk)) {
      if (this.link !== link) return;
      this.#onPacket(packet, writtenMs);
    }
  }

  #onPacket(packet: Packet, writtenMs: number): void {
    const { clientId } = this.profile;
    if (this.state === 'connecting' && packet.cmd !== 'connack') {
      throw new Violation(`${clientId}: ${packet.cmd} before CONNACK`);
    }
    this.ledger.trace?.(`${clientId}: got ${brief(packet)}`);
    switch (packet.cmd) {
      case 'connack':
        this.#onConnack(packet);
        break;
      case 'publish':
        this.#onPublish(packet, writtenMs);
        break;
      case 'pubrel':
        this.#send(this.#incoming.onPubrel(packet));
        break;
      case 'puback':
      case 'pubrec':
      case 'pubcomp': {
        const answer = this.#outgoing.onAck(packet);
        if (answer !== null) this.#send(answer);
        break;
      }
      case 'disconnect':
        this.#onDisconnect(packet);
        break;
      case 'suback':
        this.#onSuback(packet);
        break;
      case 'unsuback':
        this.#onUnsuback(packet);
        break;
      default:
        throw new Violation(`${clientId}: unexpected ${JSON.stringify(packet)}`);
    }
  }

  #onConnack({ sessionPresent, reasonCode, returnCode, properties }: ConnackPacket): void {
    const { clientId } = this.profile;
    const code = reasonCode ?? returnCode ?? 0;
    if (code !== 0) {
      this.#onConnectRefused(code);
      return;
    }
    const expected = this.#expectedPresence();
    if (expected !== null && expected !== sessionPresent) {
      throw new Violation(`${clientId}: session present is ${sessionPresent} [MQTT-3.2.2-2]`);
    }
    this.state = 'connected';
    const mayBeUnstored = this.ledger.outages.wasSince(this.#connectedMs);
    this.#unstoredMs = mayBeUnstored ? this.#connectedMs : null;
    this.#formerWill?.settleAtConnack(!sessionPresent);
    this.#formerWill = null;
    this.#will?.confirmed();
    if (!sessionPresent) this.#giveUpSession();
    this.#mustStartClean = false;
    this.#mayExist = false;
    this.session ??= this.ledger.beginSession(clientId, this.#expiry > 0);
    this.ledger.connected(this.session, this.#brokerLife);
    for (const packet of this.#outgoing.connected(properties?.receiveMaximum)) this.#send(packet);
  }

  /** A full disk has no room for a new session; of one that there is, nothing has changed. */
  #onConnectRefused(code: number): void {
    const isFull =
      code === (this.profile.version === 5 ? QUOTA_EXCEEDED : SERVER_UNAVAILABLE_V4) &&
      this.ledger.outages.wasSince(this.#connectedMs) &&
      this.#expectedPresence() !== true;
    if (!isFull) throw new Violation(`${this.profile.clientId}: CONNECT refused with ${code}`);
    this.#will?.refused();
    this.#will = null;
    // That this link is closed says nothing of the former connection.
    this.#noticedMs = this.ledger.now();
    this.state = 'idle';
  }

  /** null when both can be. */
  #expectedPresence(): boolean | null {
    if (this.#isClean) return false;
    if (this.session === null) return this.#mayExist ? null : false;
    if (this.#expiry === NEVER_EXPIRES) return true;
    const { time, lagMs } = this.ledger;
    const expiryMs = this.#expiry * 1000;
    if (time.most(this.#leftFromMs, this.ledger.now()) < expiryMs) return true;
    if (time.least(this.#leftToMs, this.#connectedMs) > expiryMs + lagMs) return false;
    return null;
  }

  #onPublish(packet: PublishPacket, writtenMs: number): void {
    const answer = this.#incoming.onPublish(this.session as SessionRecord, packet, writtenMs);
    if (answer === null) return;
    this.#incoming.keepBack(answer);
    if (!this.isSlow) this.catchUp();
  }

  /** Sends the acknowledgements that were kept back. */
  catchUp(): void {
    this.isSlow = false;
    if (!this.isConnected) return;
    for (const packet of this.#incoming.takeKeptBack()) {
      this.#incoming.acknowledging(packet);
      this.#send(packet);
    }
  }

  // ---------------------------------------------------------------------- sending

  /** Whether it may publish at this QoS just now. */
  mayPublish(qos: QoS): boolean {
    return this.isConnected && (qos === 0 || this.#outgoing.hasRoom(this.#requests.size));
  }

  publish(publication: Publication): void {
    this.#send(this.#outgoing.publish(publication, (id) => this.#requests.has(id)));
  }

  /** Whether it may subscribe or unsubscribe just now. */
  get mayRequest(): boolean {
    return this.isConnected && this.#outgoing.hasRoom(this.#requests.size);
  }

  subscribe(wish: SubscriptionWish, identifier: number): void {
    const messageId = this.#outgoing.freePacketId((id) => this.#requests.has(id));
    const span = this.ledger.subscribing(this.session as SessionRecord, wish);
    this.#requests.set(messageId, { span, sentMs: this.ledger.now() });
    const { filter, qos, noLocal, retainHandling } = wish;
    const isV5 = this.profile.version === 5;
    this.#send({
      cmd: 'subscribe',
      messageId,
      subscriptions: [{ topic: filter, qos, ...(isV5 ? { nl: noLocal, rh: retainHandling } : {}) }],
      ...(isV5 && identifier > 0 ? { properties: { subscriptionIdentifier: identifier } } : {}),
    });
  }

  unsubscribe(filter: string): void {
    const messageId = this.#outgoing.freePacketId((id) => this.#requests.has(id));
    const ending = this.ledger.unsubscribing(this.session as SessionRecord, filter);
    this.#requests.set(messageId, { ending });
    this.#send({ cmd: 'unsubscribe', messageId, unsubscriptions: [filter] });
  }

  #onDisconnect({ reasonCode = 0 }: DisconnectPacket): void {
    const isStopped = this.#isDismissed && reasonCode === SERVER_SHUTTING_DOWN;
    // The record of a subscription was refused after it had been granted.
    const isFull =
      reasonCode === QUOTA_EXCEEDED &&
      this.#requests.size > 0 &&
      this.ledger.outages.wasSince(this.#connectedMs);
    if (this.profile.version < 5 || !(isStopped || isFull)) {
      throw new Violation(`${this.profile.clientId}: DISCONNECT ${reasonCode}`);
    }
    this.#isTold = true;
  }

  #onSuback({ messageId, granted }: SubackPacket): void {
    const request = this.#requests.get(messageId);
    this.#requests.delete(messageId);
    if (request === undefined || !('span' in request)) throw this.#unexpected('SUBACK', messageId);
    const refusal = this.profile.version === 5 ? QUOTA_EXCEEDED : SUBSCRIBE_FAILURE_V4;
    const mayBeRefused = this.session?.isStored && this.ledger.outages.wasSince(request.sentMs);
    if (mayBeRefused && granted.length === 1 && granted[0] === refusal) {
      this.ledger.denied(this.session as SessionRecord, request.span);
      return;
    }
    // Another cell has not answered in time; messages came from this one while it was waited for.
    const isUnrouted = granted.length === 1 && granted[0] === SUBSCRIBE_FAILURE_V4;
    if (isUnrouted && this.ledger.now() - request.sentMs >= UNROUTED_MS) {
      this.ledger.withdrawn(this.session as SessionRecord, request.span);
      return;
    }
    if (granted.length !== 1 || granted[0] !== request.span.wish.qos) {
      throw new Violation(`${this.profile.clientId}: SUBACK ${granted}`);
    }
    this.ledger.subscribed(this.session as SessionRecord, request.span);
  }

  #onUnsuback({ messageId, granted }: UnsubackPacket): void {
    const request = this.#requests.get(messageId);
    this.#requests.delete(messageId);
    if (request === undefined || !('ending' in request)) {
      throw this.#unexpected('UNSUBACK', messageId);
    }
    const code = granted?.[0] ?? null;
    if (code !== null && code !== 0 && code !== 0x11) {
      throw new Violation(`${this.profile.clientId}: UNSUBACK ${code}`);
    }
    this.ledger.unsubscribed(request.ending, code === null ? null : code === 0);
  }

  #unexpected(what: string, messageId: number): Violation {
    return new Violation(`${this.profile.clientId}: unexpected ${what} ${messageId}`);
  }

  #send(packet: Packet): void {
    this.ledger.trace?.(`${this.profile.clientId}: sends ${brief(packet)}`);
    const bytes = encode(packet, { protocolVersion: this.profile.version });
    (this.link as ClientLink).send(bytes as Uint8Array);
  }
}

/** A packet in a line of a trace. */
function brief(packet: Packet): string {
  if (packet.cmd === 'publish') {
    const { topic, qos, retain, dup, payload, messageId } = packet;
    const start = Buffer.from(payload.subarray(0, 12)).toString('latin1').split(':')[0];
    return `PUBLISH ${messageId ?? '-'} ${topic} message ${start} QoS ${qos}${dup ? ' DUP' : ''}${retain ? ' RETAIN' : ''}`;
  }
  const { cmd, ...fields } = packet;
  const ack = packet as AckPacket;
  if (cmd.startsWith('pub')) return `${cmd.toUpperCase()} ${ack.messageId} ${ack.reasonCode ?? ''}`;
  return `${cmd.toUpperCase()} ${JSON.stringify(fields)}`;
}
