import { isIP } from 'node:net';

/** What a ban is on. */
export type BanKind = 'client' | 'user' | 'address';

export const BAN_KINDS: readonly BanKind[] = ['client', 'user', 'address'];

/** Somebody who is not let in. */
export interface Ban {
  readonly kind: BanKind;
  /**
   * A client identifier or a user name, exact or with `*` at the end for all that begin so; or an IP address, or a network such as
   * 192.0.2.0/24.
   */
  readonly who: string;
  /** For people; may be empty. */
  readonly reason: string;
  /** Who or what banned, such as `admin` or `flapping`. */
  readonly by: string;
  /** Since when; milliseconds since 1970. */
  readonly at: number;
  /** When it ends, in milliseconds since 1970; null where it has no end. */
  readonly until: number | null;
}

/** Characters of `who`: an MQTT string (§1.5.4); of the other texts. */
const WHO_BYTES_MAX = 65_535;
const TEXT_MAX = 1000;

/** Something is wrong with a ban; its message says what, and what is allowed. */
export class BanError extends Error {
  /** Whether there are as many bans as there may be, and nothing else is wrong. */
  readonly isFull: boolean;

  constructor(message: string, isFull = false) {
    super(message);
    this.name = 'BanError';
    this.isFull = isFull;
  }
}

/** A network, as it is written: an address, and how many of its bits count. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/**
 * @returns null when the text is neither an IP address nor a network
 */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return null;
  const bits = version === 4 ? 32 : 128;
  const given = slash === -1 ? `${bits}` : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(given) || Number(given) > bits) return null;
  return { address, prefix: Number(given), family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** @throws {BanError} unless the ban is one that can be kept */
export function checkBan({ kind, who, reason, by, at, until }: Ban): void {
  if (!BAN_KINDS.includes(kind)) throw new BanError(`a ban is on ${BAN_KINDS.join(', ')}`);
  if (who === '' || Buffer.byteLength(who) > WHO_BYTES_MAX || /\p{Surrogate}/u.test(who)) {
    throw new BanError(`${kind} takes 1 to ${WHO_BYTES_MAX} bytes of UTF-8`);
  }
  if (kind === 'address' && parseNetwork(who) === null) {
    throw new BanError('address takes an IP address, or a network such as 192.0.2.0/24');
  }
  if (reason.length > TEXT_MAX || by.length > TEXT_MAX) {
    throw new BanError(`reason takes up to ${TEXT_MAX} characters`);
  }
  if (!Number.isFinite(at) || (until !== null && !Number.isFinite(until))) {
    throw new BanError('until takes milliseconds since 1970');
  }
}
