import type { Permissions } from '@promptmq/auth';
import { PacketError, ReasonCode } from '@promptmq/codec';
import type { Recipient, Route } from '@promptmq/topics';
import type { Config } from '../config/index.ts';
import type { Peer } from '../connection/peer.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import { type Turns, UnitsFor } from '../runtime/turns.ts';
import { type BrokerSession, isStoredFor } from '../sessions/broker-session.ts';
import type { Journal } from '../storage/journal.ts';
import type { Origin } from '../storage/records/message-record.ts';
import { BY_RULES, type ClientEvents, denialOf, RESERVED } from '../tracing/client-events.ts';
import type { Peers, PeerTarget } from './peers.ts';
import type { Publication } from './publication.ts';
import type { RequestTaker } from './request-taker.ts';
import { DOLLAR, isBrokersOwn } from './reserved-topics.ts';

/** In the place of a reason code: somebody has taken the message, and nobody else gets it. */
export const TAKEN = -1;

/** What deciding needs of the router: both change while it runs. */
export interface RefusalHost {
  readonly journal: Journal;
  readonly requests: RequestTaker | null;
  readonly peers: Peers | null;
}

/** Decides whether a message is routed at all, before anyone has got it; what it refuses is counted, and listeners are notified. */
export class Refusals {
  readonly #host: RefusalHost;
  readonly #config: Config;
  readonly #stats: BrokerStats;
  readonly #turns: Turns;
  readonly #clientEvents: ClientEvents;
  #rejectsWhenFull: boolean;

  constructor(
    host: RefusalHost,
    config: Config,
    stats: BrokerStats,
    turns: Turns,
    clientEvents: ClientEvents,
  ) {
    this.#host = host;
    this.#config = config;
    this.#stats = stats;
    this.#turns = turns;
    this.#clientEvents = clientEvents;
    this.#rejectsWhenFull = config.mqtt.queueOverflow === 'reject';
  }

  /** The configuration was changed. */
  reconfigure(): void {
    this.#rejectsWhenFull = this.#config.mqtt.queueOverflow === 'reject';
  }

  /** Whether there is anything at all for which a message could be refused: mostly there isn't, and this is quick. */
  mayRefuse(
    { qos, retain }: Publication,
    route: Route<BrokerSession>,
    publisher: Peer | null,
  ): boolean {
    const permissions = publisher?.permissions ?? null;
    return (
      (permissions !== null && !this.#mayPublish(permissions, route.topic, qos, retain)) ||
      this.#rejectsWhenFull ||
      route.topicBytes[0] === DOLLAR ||
      (qos > 0 && this.#host.peers !== null && this.#hasBacklog) ||
      ((qos > 0 || retain) && !this.#host.journal.isOpen)
    );
  }

  /**
   * What permissions, full queues and a full disk say of a message.
   *
   * @returns Success when it is to be routed, TAKEN, or the reason code
   * @throws {PacketError} before MQTT 5, where a message can only be refused by not acknowledging it
   */
  of(
    publication: Publication,
    route: Route<BrokerSession>,
    publisher: Peer | null,
    origin: Origin | null,
  ): number {
    if (publisher === null) {
      const isStuck = !isBrokersOwn(route) && this.#isWithoutRoom(publication, route, origin);
      return isStuck ? ReasonCode.QuotaExceeded : ReasonCode.Success;
    }
    const { permissions } = publisher;
    const { qos, retain } = publication;
    const { requests } = this.#host;
    const isRequest = requests !== null && route.topic === requests.topic;
    const isReserved = !isRequest && isBrokersOwn(route);
    const isDenied =
      permissions !== null && !this.#mayPublish(permissions, route.topic, qos, retain);
    if (isReserved || isDenied) {
      this.#stats.refused['not-authorized']++;
      const decided = permissions?.decide('publish', route.topic, qos, retain);
      const denial = isReserved ? RESERVED : denialOf(decided);
      const { clientId } = publisher;
      this.#clientEvents.accessRefused(publisher, clientId, 'publish', route.topic, denial);
      this.#note(publisher, route, ReasonCode.NotAuthorized, BY_RULES);
      return ReasonCode.NotAuthorized;
    }
    if (isRequest) {
      requests.take(publisher, publication.message.payload);
      return TAKEN;
    }
    if (this.#isWithoutRoom(publication, route, origin)) {
      this.#stats.refused['storage-full']++;
      if (qos === 0) return ReasonCode.Success;
      const why = 'no room on the disk to store it';
      this.#note(publisher, route, ReasonCode.QuotaExceeded, why);
      if (publisher.version === 5) return ReasonCode.QuotaExceeded;
      throw new PacketError(ReasonCode.QuotaExceeded, '§4.13', 0, 'no room to store the message');
    }
    if (this.isAnyQueueFull(publication, route)) {
      this.#stats.refused['queue-full']++;
      const why = 'the queue of a subscriber is full';
      this.#note(publisher, route, ReasonCode.QuotaExceeded, why);
      return ReasonCode.QuotaExceeded;
    }
    return ReasonCode.Success;
  }

  /** Whether more waits for all other cells together than may for one. */
  get #hasBacklog(): boolean {
    const { peers } = this.#host;
    return peers !== null && peers.backlogBytes > this.#config.cluster.maxBacklog;
  }

  /**
   * Whether a message would find no room. `mqtt.queue-overflow: reject`: it is for all who match, or for nobody.
   * `cluster.max-backlog`: what is for another cell is never dropped, so it isn't taken where too much waits.
   */
  isAnyQueueFull(publication: Publication, route: Route<BrokerSession>): boolean {
    if (publication.qos === 0) return false;
    if (this.#hasBacklog && this.#isForFullCell(route)) return true;
    return this.#rejectsWhenFull && this.#isAnyFull(publication, route);
  }

  /** Of a shared group it isn't known which cell would get it. */
  #isForFullCell(route: Route<BrokerSession>): boolean {
    const elsewhere = this.#host.peers?.routeOf(route) ?? null;
    if (elsewhere === null) return false;
    const { maxBacklog } = this.#config.cluster;
    const isFull = ({ peer, qos }: PeerTarget) => qos > 0 && peer.session.queue.bytes > maxBacklog;
    return elsewhere.groups.length > 0 || elsewhere.targets.some(isFull);
  }

  #isAnyFull({ size }: Publication, { recipients, groups }: Route<BrokerSession>): boolean {
    const isFull = ({ session, qos }: Recipient<BrokerSession>) =>
      qos > 0 && session.isFullFor(size);
    return (
      recipients.some(isFull) ||
      groups.some(({ members }) => members.every(({ recipient }) => isFull(recipient)))
    );
  }

  /**
   * A message has found no room among the retained ones.
   *
   * @returns the reason code
   */
  retained(route: Route<BrokerSession>, publisher: Peer | null): number {
    const why = 'no room among the retained messages';
    if (publisher !== null) this.#note(publisher, route, ReasonCode.QuotaExceeded, why);
    return ReasonCode.QuotaExceeded;
  }

  #note(publisher: Peer, { topic }: Route<BrokerSession>, reasonCode: number, why: string): void {
    this.#clientEvents.topicRefused(publisher, 'publish', topic, reasonCode, why);
  }

  /** Whether the rules allow a message. What it takes to find out counts in the budget of the turn. */
  #mayPublish(
    permissions: Permissions,
    topic: string,
    qos: Publication['qos'],
    retain: boolean,
  ): boolean {
    const isAllowed = permissions.mayPublish(topic, qos, retain);
    if (permissions.visitedNodes > 0) {
      this.#turns.used += permissions.visitedNodes >> UnitsFor.nodesShift;
      permissions.visitedNodes = 0;
    }
    return isAllowed;
  }

  /** Whether a message can't be routed without the log, and the disk is full. */
  #isWithoutRoom(
    { qos, retain }: Publication,
    route: Route<BrokerSession>,
    origin: Origin | null,
  ): boolean {
    if (this.#host.journal.isOpen) return false;
    // What the publisher's session received at QoS 2 is stored, whoever gets it.
    if (origin?.kind === 'received') return true;
    if (retain) return true;
    if (qos > 0 && !this.#host.journal.acknowledgesUnstored) return true;
    return this.isWrittenForAny(qos, route);
  }

  /** Whether a message that is routed is written for somebody who gets it. */
  isWrittenForAny(qos: Publication['qos'], route: Route<BrokerSession>): boolean {
    if (qos === 0) return false;
    return (
      route.recipients.some(isStoredFor) ||
      route.groups.some(({ members }) => members.some(({ recipient }) => isStoredFor(recipient))) ||
      this.#isStoredForOthers(route)
    );
  }

  /** Whether it is written for those who get it in other cells. */
  #isStoredForOthers(route: Route<BrokerSession>): boolean {
    const elsewhere = this.#host.peers?.routeOf(route) ?? null;
    if (elsewhere === null) return false;
    const { targets, groups } = elsewhere;
    // Which cell's turn it is of a group isn't asked, as that would use it up.
    return groups.length > 0 || targets.some(({ peer, qos }) => qos > 0 && peer.session.isStored);
  }
}
