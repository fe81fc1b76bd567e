import type { Config } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import type { DeadlineQueue } from '../runtime/deadline-queue.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type BrokerStats, countIn } from '../runtime/stats.ts';
import { addressGroupOf } from './address-group.ts';
import {
  KeyedRates,
  RATE_KINDS,
  RATE_SCOPES,
  type RateAccount,
  type RateKind,
  type RateScope,
} from './rates/keyed-rates.ts';
import { type Charge, Throttle, type ThrottledConnection } from './throttle.ts';

/** Where the rates of a listener are in the configuration. */
const LISTENER = 'listeners.rates';

/** A connection is logged to wait for its rates this often, in milliseconds. */
const LOG_INTERVAL_MS = 60_000;

/** What limits need of the house. */
export interface LimitsHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now'>;
  readonly deadlines: DeadlineQueue;
  readonly stats: Pick<BrokerStats, 'limitsReached'>;
  /** For what clients can cause. */
  readonly clientLog: Logger;
}

/** Whom rates are counted for. */
export interface LimitedClient {
  readonly clientId: string;
  /** Who the client proved to be; null when it didn't. */
  readonly userName: string | null;
  readonly transport: {
    readonly remoteAddress: string;
    readonly listener?: { readonly rates: RateAccount | null } | null;
  };
}

/**
 * How much clients may do in a time: by client identifier, user name and address.
 *
 * Where the configuration has no rates, there is nothing to be asked: `throttleFor` gives null, and `limitsConnects` is false.
 */
export class Limits {
  readonly #host: LimitsHost;
  #rates: Readonly<Record<RateScope, KeyedRates>>;

  constructor(host: LimitsHost) {
    this.#host = host;
    this.#rates = ratesOf(host.config);
  }

  /**
   * The configuration was changed.
   *
   * @returns whether rates have: then every connection needs another throttle
   */
  reconfigure(): boolean {
    const rates = ratesOf(this.#host.config);
    const isSame = RATE_SCOPES.every((scope) => haveSameRates(rates[scope], this.#rates[scope]));
    if (!isSame) this.#rates = rates;
    return !isSame;
  }

  /** What slows a connection down that has been accepted, until `Throttle.end`; null where nothing does. */
  throttleFor(client: LimitedClient & ThrottledConnection): Throttle | null {
    const now = this.#host.runtime.now();
    const accounts: [prefix: string, KeyedRates | null, RateAccount][] = [];
    for (const scope of RATE_SCOPES) {
      const rates = this.#rates[scope];
      const key = rates.limitsClients ? keyOf(scope, client) : null;
      if (key !== null) accounts.push([`limits.${scope}`, rates, rates.hold(key, now)]);
    }
    const ofListener = client.transport.listener?.rates ?? null;
    if (ofListener?.limitsClients === true) {
      ofListener.holders++;
      accounts.push([LISTENER, null, ofListener]);
    }
    if (accounts.length === 0) return null;
    const chargesFor = (kind: RateKind): Charge[] =>
      accounts.flatMap(([prefix, , { buckets }]) => {
        const bucket = buckets[kind];
        return bucket === null ? [] : [{ limit: `${prefix}.${kind}`, bucket }];
      });
    let loggedAt = Number.NEGATIVE_INFINITY;
    const { deadlines, runtime } = this.#host;
    const host = {
      deadlines,
      onWait: (limit: string) => {
        countIn(this.#host.stats.limitsReached, limit);
        if (client.receivedAt < loggedAt + LOG_INTERVAL_MS) return;
        loggedAt = client.receivedAt;
        this.#log(limit, client);
      },
      onEnd: () => {
        const endedAt = runtime.now();
        for (const [, rates, account] of accounts) {
          if (rates === null) account.holders--;
          else rates.release(account, endedAt);
        }
      },
    };
    const charges = {
      messages: chargesFor('messages'),
      bytes: chargesFor('bytes'),
      subscribes: chargesFor('subscribes'),
    };
    return new Throttle(
      host,
      client,
      charges,
      accounts.map(([, , account]) => account),
    );
  }

  /**
   * Counts a CONNECT in some of the scopes.
   *
   * @returns the limit that it is beyond, such as `limits.address.connects`; null when it may continue
   */
  takeConnect(client: LimitedClient, scopes: readonly RateScope[]): string | null {
    for (const scope of scopes) {
      const rates = this.#rates[scope];
      const key = rates.rates.connects === null ? null : keyOf(scope, client);
      if (key === null || rates.takeConnect(key, this.#host.runtime.now())) continue;
      const limit = `limits.${scope}.connects`;
      countIn(this.#host.stats.limitsReached, limit);
      return limit;
    }
    return null;
  }

  /** The same for all clients of the listener that it came by. */
  takeConnectOfListener({ transport }: Pick<LimitedClient, 'transport'>): string | null {
    const bucket = transport.listener?.rates?.buckets.connects ?? null;
    if (bucket === null || bucket.take(this.#host.runtime.now())) return null;
    const limit = `${LISTENER}.connects`;
    countIn(this.#host.stats.limitsReached, limit);
    return limit;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    for (const scope of RATE_SCOPES) this.#rates[scope].checkInvariants();
  }

  #log(limit: string, { clientId, userName, transport }: LimitedClient): void {
    const address = transport.remoteAddress;
    this.#host.clientLog.warn('limit-reached', { limit, clientId, user: userName, address });
  }
}

/** Null where there is none: of a client without a user name, say. */
function keyOf(scope: RateScope, { clientId, userName, transport }: LimitedClient): string | null {
  switch (scope) {
    case 'client':
      return clientId;
    case 'user':
      return userName;
    case 'address':
      return addressGroupOf(transport.remoteAddress);
  }
}

function ratesOf({ limits }: Config): Record<RateScope, KeyedRates> {
  const { client, user, address } = limits;
  return {
    client: new KeyedRates({ ...client }),
    user: new KeyedRates({ ...user }),
    address: new KeyedRates({ ...address }),
  };
}

function haveSameRates({ rates: one }: KeyedRates, { rates: other }: KeyedRates): boolean {
  return RATE_KINDS.every(
    (kind) =>
      one[kind]?.amount === other[kind]?.amount && one[kind]?.periodMs === other[kind]?.periodMs,
  );
}

/** The keys of all limits whose reaching is counted, such as `limits.client.messages`. */
export const COUNTED_LIMITS: readonly string[] = [
  ...RATE_SCOPES.flatMap((scope) => RATE_KINDS.map((kind) => `limits.${scope}.${kind}`)),
  ...RATE_KINDS.map((kind) => `${LISTENER}.${kind}`),
  'limits.address.connections',
  'limits.address.pending-connects',
  'limits.pending-connects',
  'limits.overload.memory-refuse',
  'limits.overload.memory-slow',
  'limits.overload.memory-stop',
  'limits.overload.lag-refuse',
  'limits.overload.lag-slow',
];
