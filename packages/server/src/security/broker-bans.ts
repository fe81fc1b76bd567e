import { type Ban, type BanKind, Bans, FlappingDetector } from '@promptmq/auth';
import type { BansHost } from './host.ts';
import { hostOfAddress } from './host-address.ts';

/** Documents of bans have this before `KIND/WHO` in their keys; each is the ban as JSON. */
const KEY_PREFIX = 'ban/';

/** Who bans clients that come and go all the time. */
const FLAPPING = 'flapping';

/**
 * Who isn't let in, kept in the log: each ban holds from the moment in which it is made, also after a restart, until it ends or is
 * taken back.
 */
export class BrokerBans {
  readonly #host: BansHost;
  readonly #bans: Bans;
  readonly #flapping: FlappingDetector;

  constructor(host: BansHost) {
    this.#host = host;
    const { auth } = host.config;
    const { runtime } = host;
    this.#bans = new Bans({
      now: () => runtime.wallNow(),
      get bansMax() {
        return auth.maxBans;
      },
    });
    this.#flapping = new FlappingDetector();
  }

  /** Takes up what the log holds; one that can't be read is an error: nobody is let in for it. */
  restore(): void {
    for (const [key, document] of this.#host.journal.documents()) {
      if (key.startsWith(KEY_PREFIX))
        this.#bans.restore(JSON.parse(Buffer.from(document).toString()));
    }
    this.#count();
  }

  /** Those that hold, the oldest first. */
  list(): Ban[] {
    return this.#bans.list();
  }

  /**
   * Bans somebody, and disconnects who is connected. It is written when this returns; whether it is committed is for the
   * journal to say.
   *
   * @throws {BanError} when something is wrong with it; nothing has changed then
   */
  add(ban: Ban): void {
    this.#bans.add(ban);
    this.#write(ban.kind, ban.who, ban);
    const { kind, who, reason, by, until } = ban;
    const end = until === null ? null : new Date(until).toISOString();
    this.#host.log.info('banned', { kind, who, reason, by, until: end });
    this.#host.disconnectBanned(ban);
  }

  /** @returns whether there was one */
  remove(kind: BanKind, who: string): boolean {
    if (!this.#bans.remove(kind, who)) return false;
    this.#write(kind, who, null);
    this.#host.log.info('ban-removed', { kind, who });
    return true;
  }

  /** Forgets those that have ended. */
  sweep(): void {
    if (this.#bans.size === 0) return;
    for (const { kind, who } of this.#bans.removeEnded()) {
      this.#write(kind, who, null);
      this.#host.log.info('ban-ended', { kind, who });
    }
  }

  /**
   * The ban that holds for a network connection.
   *
   * @param remoteAddress - with or without a port
   */
  ofAddress(remoteAddress: string): Ban | null {
    return this.#bans.size === 0 ? null : this.#bans.ofAddress(hostOfAddress(remoteAddress));
  }

  /**
   * The ban that holds for a client.
   *
   * @param clientId - empty where the broker assigns one
   * @param userName - null or undefined where it has none
   */
  ofClient(clientId: string, userName: string | null | undefined): Ban | null {
    if (this.#bans.size === 0) return null;
    const ban = clientId === '' ? null : this.#bans.ofClient(clientId);
    return ban ?? (typeof userName === 'string' ? this.#bans.ofUser(userName) : null);
  }

  /** A client's connection is over, however it ended: bans one that comes and goes all the time (`auth.flapping`). */
  onLeft(clientId: string): void {
    const { config, runtime } = this.#host;
    const { enabled, maxCount, window, ban } = config.auth.flapping;
    if (!enabled) return;
    const limits = { countMax: maxCount, windowMs: window };
    if (!this.#flapping.note(clientId, runtime.now(), limits)) return;
    // What has taken its session over isn't open yet.
    runtime.defer(() => this.#banFlapping(clientId, ban));
  }

  #banFlapping(clientId: string, durationMs: number): void {
    const { runtime, stats, clientLog } = this.#host;
    const at = runtime.wallNow();
    // An identifier that ends with * would be one for all that begin so.
    if (clientId.endsWith('*') || this.#bans.ofClient(clientId) !== null) return;
    this.#makeRoom();
    const reason = 'it connected and went again too often';
    const until = at + durationMs;
    try {
      this.add({ kind: 'client', who: clientId, reason, by: FLAPPING, at, until });
      stats.flappingBans++;
      clientLog.warn('client-flapping', { clientId, banSeconds: durationMs / 1000 });
    } catch (error) {
      clientLog.warn('client-flapping', { clientId, why: (error as Error).message });
    }
  }

  /** Bans of this kind never keep an operator's from being made: the oldest makes room. */
  #makeRoom(): void {
    if (this.#bans.size < this.#host.config.auth.maxBans) return;
    const oldest = this.#bans.list().find(({ by }) => by === FLAPPING);
    if (oldest !== undefined) this.remove(oldest.kind, oldest.who);
  }

  #write(kind: BanKind, who: string, ban: Ban | null): void {
    const document = ban === null ? null : Buffer.from(JSON.stringify(ban));
    this.#host.journal.writeDocument(`${KEY_PREFIX}${kind}/${who}`, document);
    this.#count();
  }

  #count(): void {
    this.#host.stats.bansCurrent = this.#bans.size;
  }
}
