import type { IncomingMessage } from 'node:http';
import type { Config } from '../../config/index.ts';
import type { AdminStats } from '../../embed/admin-endpoint.ts';
import { addressGroupOf } from '../../limits/address-group.ts';
import { type Logger, rateLimited } from '../../log/index.ts';
import { ApiError, type Caller, isChange, type Operation } from '../api/operation.ts';
import type { KeyRing, UsableKey } from '../keys/key-ring.ts';
import type { AuditLog } from './audit-log.ts';
import type { ConsoleSession, ConsoleSessions } from './console-sessions.ts';
import { type Credentials, credentialsOf } from './credentials.ts';
import { RequestRates } from './request-rates.ts';

/** A request with who sends it. */
export interface Admitted {
  readonly caller: Caller;
  /** The key that it came with, or whose session it is; null: it came with none. */
  readonly key: UsableKey | null;
  /** Of a cookie or a token; null: it came with a key, or with nothing. */
  readonly session: ConsoleSession | null;
  /** Another process of this broker has let it in, checked it, and will note what came of it. */
  readonly isPassedOn?: boolean;
}

/**
 * What a path takes: `key`, nothing without one; `open`, a cookie at most, and keys aren't looked at; `all`, no key, or one that is right.
 */
export type Admission = 'key' | 'open' | 'all';

/** Who asks, how often, and what he may do. */
export class AdminGate {
  readonly #config: Config['admin'];
  readonly #ring: KeyRing;
  readonly #sessions: ConsoleSessions;
  readonly #audit: AuditLog;
  readonly #log: Logger;
  readonly #stats: AdminStats;
  readonly #byKey: RequestRates;
  readonly #byAddress: RequestRates;
  readonly #failures: RequestRates;
  readonly #warnings: { readonly log: Logger };

  /** @param config - live */
  constructor(
    config: Config['admin'],
    ring: KeyRing,
    sessions: ConsoleSessions,
    audit: AuditLog,
    log: Logger,
    stats: AdminStats,
  ) {
    this.#config = config;
    this.#ring = ring;
    this.#sessions = sessions;
    this.#audit = audit;
    this.#log = log;
    this.#stats = stats;
    const now = () => performance.now();
    this.#byKey = new RequestRates(() => config.rate, now);
    this.#byAddress = new RequestRates(() => config.rate, now);
    this.#failures = new RequestRates(() => config.failedLogins, now);
    this.#warnings = { log: rateLimited(log, { perSecond: WARNINGS_PER_SECOND, now }) };
  }

  /**
   * Says who sends a request, before anything of it but its head is read.
   *
   * @throws {ApiError} 401 and 429
   */
  admit(request: IncomingMessage, admission: Admission): Admitted {
    const address = addressOf(request);
    this.#refuseAt(this.#byAddress.take(groupOf(address)), `${address} asks too often`);
    const credentials = credentialsOf(request.headers);
    const nobody: Admitted = { caller: nobodyAt(address), key: null, session: null };
    if (admission === 'open' && credentials.kind !== 'cookie') return nobody;
    const admitted = this.#admitted(credentials, address);
    if (admitted === null) {
      if (admission === 'open' || (admission === 'all' && isBare(request, credentials))) {
        return nobody;
      }
      throw new ApiError(401, 'UNAUTHORIZED', 'an API key is needed: promptmq admin key create');
    }
    const { name } = admitted.caller;
    this.#refuseAt(this.#byKey.take(name), `${name} asks too often`);
    return admitted;
  }

  /**
   * Checks a name and a secret.
   *
   * @throws {ApiError} 401 and 429
   */
  verify(name: string, secret: string, address: string): UsableKey {
    const group = groupOf(address);
    this.#refuseAt(this.#failures.ask(group), `${address} has tried wrong keys too often`);
    const key = this.#ring.verify(name, secret);
    if (key !== null) return key;
    this.#failures.take(group);
    this.#warnings.log.warn('admin-login-refused', { address, key: name.slice(0, 64) });
    throw new ApiError(401, 'BAD_API_KEY_OR_SECRET', 'the key or its secret is not right');
  }

  /**
   * Refuses what a web page of somebody else could have sent, and what read-only mode does.
   *
   * @throws {ApiError} 403
   */
  check({ headers }: IncomingMessage, { session }: Admitted, operation: Operation): void {
    if (!isChange(operation) && operation.isOpen !== true) return;
    const { origin, host } = headers;
    const isSame = origin !== undefined && hostOf(origin) === host;
    const isListed = origin !== undefined && this.#config.origins.includes(origin);
    const isCookie = session !== null && session.csrf !== null;
    if (origin === undefined ? headers['sec-fetch-site'] === 'cross-site' : !isSame && !isListed) {
      throw new ApiError(
        403,
        'BAD_ORIGIN',
        `the web page ${origin ?? ''} may not do this; see admin.origins`,
      );
    }
    if (!isCookie || operation.isOpen === true) return;
    if (!isSame) throw new ApiError(403, 'BAD_ORIGIN', 'a request with a cookie needs an Origin');
    if (headers['x-csrf-token'] !== session.csrf) {
      throw new ApiError(403, 'BAD_CSRF_TOKEN', 'x-csrf-token has to be what the login answered');
    }
  }

  /** Whether whoever sent a request would still be let in, to do as much as then: with the same session, if it was in one. */
  isStillIn({ key, session }: Admitted): boolean {
    if (session !== null && !this.#sessions.has(session)) return false;
    if (key === null) return true;
    const now = this.#ring.find(key.name);
    if (now?.digest.equals(key.digest) !== true) return false;
    return [...key.scopes].every((scope) => now.scopes.has(scope));
  }

  /** Notes a request that could change something. */
  note(
    { name: who, kind, address }: Caller,
    { id }: Pick<Operation, 'id'>,
    method: string,
    path: string,
    status: number,
    durationMs: number,
  ): void {
    const shown = path.slice(0, PATH_LENGTH_MAX);
    const entry = { who, kind, address, operation: id, method, path: shown, status, durationMs };
    this.#audit.add({ at: Date.now(), ...entry });
    this.#log.info('admin-request', entry);
  }

  /** @throws {ApiError} 429, unless it is 0 */
  #refuseAt(seconds: number, message: string): void {
    if (seconds === 0) return;
    this.#stats.rateLimited++;
    const headers = { 'retry-after': `${seconds}` };
    throw new ApiError(429, 'TOO_MANY_REQUESTS', `${message}; again in ${seconds} s`, headers);
  }

  #admitted(credentials: Credentials, address: string): Admitted | null {
    switch (credentials.kind) {
      case 'key': {
        const key = this.verify(credentials.name, credentials.secret, address);
        const { name, scopes } = key;
        return { caller: { name, kind: 'key', scopes, address }, key, session: null };
      }
      case 'token':
      case 'cookie': {
        const session = this.#sessions.use(credentials.token);
        if (session === null) return null;
        const { name, scopes } = session.key;
        const kind = credentials.kind === 'cookie' ? 'console' : 'key';
        // A token of one kind is none of the other.
        if ((session.csrf !== null) !== (kind === 'console')) return null;
        return { caller: { name, kind, scopes, address }, key: session.key, session };
      }
      case 'none':
        return null;
    }
  }
}

const WARNINGS_PER_SECOND = 5;

/** Of a path, for the audit and the log. */
const PATH_LENGTH_MAX = 1024;

const NO_SCOPES: ReadonlySet<never> = new Set();

function nobodyAt(address: string): Caller {
  return { name: '', kind: 'nobody', scopes: NO_SCOPES, address };
}

function addressOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? 'unknown';
}

function groupOf(address: string): string {
  return addressGroupOf(address) ?? address;
}

/** Whether nothing was sent that says who it is, right or not. */
function isBare({ headers }: IncomingMessage, { kind }: Credentials): boolean {
  return kind === 'none' && headers.authorization === undefined;
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
