import type { SessionEntry } from '../../sessions/session-entry.ts';
import { type Arguments, shown } from '../calls/arguments.ts';
import { connectedAtOf, createdAtOf } from './client-info.ts';

/** Which clients are meant: those for which all holds that is given. */
export interface ClientFilter {
  /** Only clients whose identifier has this in it, anywhere; upper and lower case differ. */
  readonly like?: string | undefined;
  /** Only clients of exactly this user, or of one of these. */
  readonly user?: string | readonly string[] | undefined;
  /** Only clients of a user whose name has this in it, anywhere. */
  readonly likeUser?: string | undefined;
  /** Only those that are connected, or only those that aren't. */
  readonly isConnected?: boolean | undefined;
  /** Only those that are connected from this IP address. */
  readonly address?: string | undefined;
  /** Only those that are connected with this version of MQTT: 3 is 3.1, 4 is 3.1.1, 5 is 5.0. */
  readonly version?: number | undefined;
  /** Only those whose connection asked for a new session, or only those whose didn't. */
  readonly cleanStart?: boolean | undefined;
  /** Only those that are connected since then or later, in milliseconds since 1970. */
  readonly connectedSince?: number | undefined;
  /** Only those that were connected by then, and are. */
  readonly connectedUntil?: number | undefined;
  /** Only those whose session was made then or later. Of sessions that are older than the broker's process that isn't known. */
  readonly createdSince?: number | undefined;
  /** Only those whose session was made by then; the same. */
  readonly createdUntil?: number | undefined;
}

export const CLIENT_FILTER_KEYS = [
  'like',
  'user',
  'likeUser',
  'isConnected',
  'address',
  'version',
  'cleanStart',
  'connectedSince',
  'connectedUntil',
  'createdSince',
  'createdUntil',
] as const;

/** Whether a client is one of those that are meant. */
export type ClientTest = (entry: SessionEntry) => boolean;

/**
 * @param aheadMs - `shownAheadMs` of the broker's clock
 * @returns null where all are meant
 * @throws {EmbedError} `invalid-argument`
 */
export function clientTest(
  args: Arguments,
  filter: ClientFilter,
  aheadMs: number,
): ClientTest | null {
  const tests: ClientTest[] = timeTests(args, filter, aheadMs);
  const { like, user, likeUser, isConnected, address, version, cleanStart } = filter;
  if (like !== undefined) {
    const part = args.text('like', like);
    if (part !== '') tests.push(({ session }) => session.clientId.includes(part));
  }
  if (user !== undefined) {
    const given = typeof user === 'string' ? [user] : user;
    if (!Array.isArray(given))
      args.refuse(`user takes a string or an array of them, not ${shown(user)}`);
    const users = new Set(given.map((name) => args.text('user', name)));
    tests.push(({ owner }) => owner !== null && users.has(owner));
  }
  if (likeUser !== undefined) {
    const part = args.text('likeUser', likeUser);
    tests.push(({ owner }) => owner?.includes(part) === true);
  }
  if (isConnected !== undefined) {
    const isWanted = args.flag('isConnected', isConnected);
    tests.push(({ session }) => session.isConnected === isWanted);
  }
  if (address !== undefined) {
    const start = addressStart(args.text('address', address));
    tests.push(
      ({ session }) => session.link?.connection?.transport.remoteAddress.startsWith(start) === true,
    );
  }
  if (version !== undefined) {
    const wanted = args.wholeNumber('version', version, 3, 5);
    tests.push(({ session }) => session.link?.connection?.version === wanted);
  }
  if (cleanStart !== undefined) {
    const wanted = args.flag('cleanStart', cleanStart);
    tests.push(({ session }) => session.link?.connection?.cleanStart === wanted);
  }
  if (tests.length === 0) return null;
  return (entry) => tests.every((test) => test(entry));
}

function timeTests(args: Arguments, filter: ClientFilter, aheadMs: number): ClientTest[] {
  const times = [
    ['connectedSince', 'connectedUntil', connectedAtOf],
    ['createdSince', 'createdUntil', createdAtOf],
  ] as const;
  return times.flatMap(([sinceName, untilName, timeOf]) => {
    const { [sinceName]: since, [untilName]: until } = filter;
    if (since === undefined && until === undefined) return [];
    const from = since === undefined ? 0 : args.wholeNumber(sinceName, since, 0, TIME_MAX);
    const to = until === undefined ? TIME_MAX : args.wholeNumber(untilName, until, 0, TIME_MAX);
    return [
      (entry: SessionEntry) => {
        const time = timeOf(entry, aheadMs);
        return time !== null && time >= from && time <= to;
      },
    ];
  });
}

/** The last time that a date can have. */
const TIME_MAX = 8_640_000_000_000_000;

/** What the addresses of clients begin with that come from there: their ports follow. */
function addressStart(address: string): string {
  return address.includes(':') ? `[${address.toLowerCase()}]:` : `${address}:`;
}
