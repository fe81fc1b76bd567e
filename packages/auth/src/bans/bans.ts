import { BlockList, isIP } from 'node:net';
import { type Ban, BanError, type BanKind, checkBan, type Network, parseNetwork } from './ban.ts';
import { PrefixMap } from './prefix-map.ts';

/** Bans that there may be where nothing else is said: some megabytes. */
const BANS_MAX = 10_000;

export interface BansOptions {
  /** Bans that there may be; 10,000 by default. */
  readonly bansMax?: number;
  /** The wall clock: milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Who isn't let in. One that has ended counts no more, and is forgotten with `removeEnded`. It does no I/O: whoever has it keeps what
 * changes.
 *
 * Invariant: there are no more than there may be.
 */
export class Bans {
  readonly #options: BansOptions;
  readonly #now: () => number;
  readonly #clients: PrefixMap<Ban>;
  readonly #users: PrefixMap<Ban>;
  /** By `who` as it was written, of each kind; the oldest first. */
  readonly #all: Map<string, Ban>;
  /** Networks and addresses; null when it has to be made again. */
  #networks: BlockList | null;
  #addressCount: number;

  /** @param options - kept: `bansMax` may change */
  constructor(options: BansOptions) {
    this.#options = options;
    this.#now = options.now;
    this.#clients = new PrefixMap();
    this.#users = new PrefixMap();
    this.#all = new Map();
    this.#networks = null;
    this.#addressCount = 0;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Those that hold, the oldest first. */
  list(): Ban[] {
    const now = this.#now();
    return [...this.#all.values()].filter((ban) => !hasEnded(ban, now));
  }

  /**
   * Adds one, or puts it in the place of the one on the same.
   *
   * @throws {BanError} when something is wrong with it, or there are as many as there may be; nothing has changed then
   */
  add(ban: Ban): void {
    checkBan(ban);
    const key = keyOf(ban.kind, ban.who);
    const { bansMax = BANS_MAX } = this.#options;
    if (!this.#all.has(key) && this.#all.size >= bansMax) {
      throw new BanError(`there are ${bansMax} bans already`, true);
    }
    this.#put(key, ban);
  }

  /**
   * Takes one up that was kept, also where there may be no more by now.
   *
   * @throws {BanError} when something is wrong with it
   */
  restore(ban: Ban): void {
    checkBan(ban);
    this.#put(keyOf(ban.kind, ban.who), ban);
  }

  #put(key: string, ban: Ban): void {
    this.remove(ban.kind, ban.who);
    this.#all.set(key, ban);
    if (ban.kind === 'address') {
      this.#addressCount++;
      this.#networks = null;
    } else {
      this.#patterns(ban.kind).set(ban.who, ban);
    }
  }

  /** @returns whether there was one */
  remove(kind: BanKind, who: string): boolean {
    if (!this.#all.delete(keyOf(kind, who))) return false;
    if (kind === 'address') {
      this.#addressCount--;
      this.#networks = null;
    } else {
      this.#patterns(kind).delete(who);
    }
    return true;
  }

  /**
   * Forgets those that have ended.
   *
   * @returns them
   */
  removeEnded(): Ban[] {
    const now = this.#now();
    const ended = [...this.#all.values()].filter((ban) => hasEnded(ban, now));
    for (const { kind, who } of ended) this.remove(kind, who);
    return ended;
  }

  /**
   * The ban that holds for an address.
   *
   * @param address - without a port; what is no IP address has none
   */
  ofAddress(address: string): Ban | null {
    if (this.#addressCount === 0) return null;
    return this.#ofHost(address.split('%', 1)[0] as string);
  }

  /** @param address - without the zone of a link-local one */
  #ofHost(address: string): Ban | null {
    const version = isIP(address);
    if (version === 0) return null;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    this.#networks ??= this.#blockList();
    if (!this.#networks.check(address, family)) return null;
    // Only for those who are banned, or were: which one it is, and whether it holds.
    const now = this.#now();
    for (const ban of this.#all.values()) {
      if (ban.kind !== 'address' || hasEnded(ban, now)) continue;
      if (blockListOf([ban]).check(address, family)) return ban;
    }
    return null;
  }

  ofClient(clientId: string): Ban | null {
    return this.#holding(this.#clients, clientId);
  }

  ofUser(userName: string): Ban | null {
    return this.#holding(this.#users, userName);
  }

  /** One that has ended doesn't hide another that holds. */
  #holding(bans: PrefixMap<Ban>, name: string): Ban | null {
    const now = this.#now();
    return bans.find(name, (ban) => !hasEnded(ban, now)) ?? null;
  }

  #patterns(kind: 'client' | 'user'): PrefixMap<Ban> {
    return kind === 'client' ? this.#clients : this.#users;
  }

  #blockList(): BlockList {
    return blockListOf([...this.#all.values()].filter(({ kind }) => kind === 'address'));
  }
}

function blockListOf(bans: readonly Ban[]): BlockList {
  const list = new BlockList();
  for (const { who } of bans) {
    const { address, prefix, family } = parseNetwork(who) as Network;
    list.addSubnet(address, prefix, family);
  }
  return list;
}

function hasEnded({ until }: Ban, now: number): boolean {
  return until !== null && until <= now;
}

function keyOf(kind: BanKind, who: string): string {
  return `${kind}/${who}`;
}
