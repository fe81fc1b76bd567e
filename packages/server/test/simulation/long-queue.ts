import { BLOCK_CAPACITY } from '@promptmq/session';
import type { Random } from '@promptmq/wal/testing';
import type { Ledger } from '../model/ledger.ts';
import { NEVER, type Publication, Violation } from '../model/publication.ts';
import type { Role } from '../model/scenario.ts';
import type { Actor } from './simulate.ts';

const TOPIC = 'long/queue';

/** How many messages wait beyond those that one block of a stored queue takes. */
const MORE_MAX = 200;

/** Published between two looks at what has been acknowledged. */
const BURST_MAX = 25;

/** What the queue's client and its publisher can do: the run has the network. */
export interface LongQueueHost {
  connect(actor: Actor, startsClean: boolean): void;
}

/** The client that subscribes and stays away while its queue grows. */
export function sleeperRole(random: Random): Role {
  return roleOf('sleeper', random.pick([1, 5, 100]), 50);
}

/** The client that fills the queue. */
export function flooderRole(): Role {
  return roleOf('flooder', 100, 100);
}

function roleOf(clientId: string, receiveMaximum: number, packetIdMax: number): Role {
  return {
    profile: {
      clientId,
      version: 5,
      sessionExpiry: 1000,
      receiveMaximum,
      packetIdMax,
      topicAliasMaximum: 0,
    },
    sharedFilter: null,
    publishes: 0,
    subscribes: 0,
    breaks: 0,
    startsClean: 0,
  };
}

/** Subscribes to what the sleeper does, and takes what is left of it when the session ends. */
export function heirRole(random: Random): Role {
  return roleOf('heir', random.pick([5, 100]), 50);
}

/** A queue of more entries than a block of it takes, in steps that a run makes while time passes. */
export class LongQueue {
  /** Another member of the sleeper's shared subscription, once that is asleep; null when it has none. */
  readonly #heir: Actor | null;
  readonly #filter: string;
  readonly #host: LongQueueHost;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #sleeper: Actor;
  readonly #flooder: Actor;
  readonly #length: number;
  readonly #publications: Publication[] = [];

  constructor(
    host: LongQueueHost,
    random: Random,
    ledger: Ledger,
    sleeper: Actor,
    flooder: Actor,
    heir: Actor | null,
  ) {
    this.#heir = heir;
    this.#filter = heir === null ? 'long/#' : '$share/long/long/#';
    this.#host = host;
    this.#random = random;
    this.#ledger = ledger;
    this.#sleeper = sleeper;
    this.#flooder = flooder;
    this.#length = BLOCK_CAPACITY + 1 + random.below(MORE_MAX);
  }

  /** One step towards a subscribed client that is away; returns whether it is. */
  putToSleep(): boolean {
    return this.#putToSleep(this.#sleeper);
  }

  /** One step towards an heir that is away, too. */
  putHeirToSleep(): boolean {
    return this.#heir === null || this.#putToSleep(this.#heir);
  }

  /** The session ends, of which nothing has been sent: the heir gets what waits. */
  endSession(): void {
    const { client } = this.#sleeper;
    if (client.state !== 'idle') return;
    this.#host.connect(this.#sleeper, true);
  }

  /** When everything has been delivered: all of the queue has come to one of the two. */
  judge(): void {
    if (this.#heir === null) return;
    const sessions = [this.#heir.client.session, this.#sleeper.client.session];
    for (const publication of this.#publications) {
      if (!publication.isPromised) continue;
      const { id } = publication;
      if (!sessions.some((session) => session?.receipts.has(id) === true)) {
        throw new Violation(`neither the heir nor the sleeper got ${publication}`);
      }
    }
  }

  #putToSleep(actor: Actor): boolean {
    const { client } = actor;
    const isSubscribed = client.session?.spans.some(({ granted }) => granted !== NEVER) === true;
    if (client.state === 'idle') {
      if (isSubscribed) return true;
      this.#host.connect(actor, false);
    } else if (client.isConnected && client.isIdle) {
      if (isSubscribed) client.disconnect('normal');
      else client.subscribe({ filter: this.#filter, qos: 2, noLocal: false, retainHandling: 0 }, 0);
    }
    return false;
  }

  /** One step towards a queue that is long enough; returns whether it is. */
  fill(): boolean {
    const { client } = this.#flooder;
    if (client.state === 'idle') this.#host.connect(this.#flooder, false);
    if (!client.isConnected) return false;
    if (client.isIdle) {
      const promised = this.#publications.filter(({ isPromised }) => isPromised).length;
      if (promised >= this.#length) return true;
    }
    const random = this.#random;
    const burst = this.#ledger.outages.isNow ? 1 : BURST_MAX;
    for (let count = 0; count < burst; count++) {
      // Of QoS 2, what a process before may have sent is not handed over.
      const qos = this.#heir === null ? random.pick([1, 1, 2] as const) : 1;
      if (this.#underWay >= this.#length || !client.mayPublish(qos)) break;
      const options = { publisher: client.profile.clientId, topic: TOPIC, qos, retain: false };
      const size = 8 + random.below(20);
      const publication = this.#ledger.publication({
        ...options,
        size,
        expiry: null,
        isWill: false,
      });
      this.#publications.push(publication);
      client.publish(publication);
    }
    return false;
  }

  /** Those that may come to be in the queue. */
  get #underWay(): number {
    return this.#publications.filter(({ isRefused }) => !isRefused).length;
  }

  /** The client comes back, for a moment. */
  wake(): void {
    if (this.#sleeper.client.state === 'idle') this.#host.connect(this.#sleeper, false);
  }

  cut(): void {
    this.#sleeper.link?.cut();
  }
}
