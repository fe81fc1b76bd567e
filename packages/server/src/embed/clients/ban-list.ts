import { BAN_KINDS, type Ban, BanError, type BanKind } from '@promptmq/auth';
import type { Broker } from '../../broker.ts';
import { Arguments } from '../calls/arguments.ts';
import { committed } from '../calls/committed.ts';
import { EmbedError } from '../calls/embed-error.ts';

/** A ban that is to be made. */
export interface NewBan {
  readonly kind: BanKind;
  /**
   * A client identifier or a user name, exact or with `*` at the end for all that begin so; or an IP address, or a network such as
   * 192.0.2.0/24.
   */
  readonly who: string;
  /** For people, and for clients of MQTT 5 that are disconnected for it; up to 1,000 characters. */
  readonly reason?: string | undefined;
  /** Who bans; `operator` by default. */
  readonly by?: string | undefined;
  /** How long it holds; without it, until it is removed. */
  readonly seconds?: number | undefined;
  /** In its place: milliseconds since 1970, by the wall clock. */
  readonly until?: number | undefined;
}

/** Who isn't let in, whoever it is: by client identifier, user name, address or network. Kept in the log. */
export interface BrokerBanList {
  /** Those that hold, the oldest first. */
  list(): Ban[];
  /**
   * Bans somebody, in the place of a ban on the same. It holds at once: whoever is connected is disconnected (0x98), and who connects
   * is refused (0x8A). Resolves when it is committed, too.
   *
   * @throws {EmbedError} as a rejection, before anything happens: `invalid-argument`; `quota-exceeded` (`auth.max-bans`); `stopped`.
   * `storage-full` when the disk refuses it: then it holds for this process, and is written when there is room
   */
  add(ban: NewBan): Promise<Ban>;
  /**
   * Takes a ban back.
   *
   * @param who - as it was given
   * @returns whether there was one
   * @throws {EmbedError} as `add`
   */
  remove(kind: BanKind, who: string): Promise<boolean>;
}

/** A hundred years. */
const SECONDS_MAX = 3_155_760_000;

/** `BrokerBanList` of a broker. */
export class BanList implements BrokerBanList {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  list(): Ban[] {
    return this.#broker.bans.list();
  }

  async add(given: NewBan): Promise<Ban> {
    const args = new Arguments('bans.add');
    args.options(given, ['kind', 'who', 'reason', 'by', 'seconds', 'until']);
    const { bans, runtime, journal } = this.#serving();
    const { seconds } = given;
    if (seconds !== undefined) args.wholeNumber('seconds', seconds, 1, SECONDS_MAX);
    const at = runtime.wallNow();
    const { until } = given;
    if (until !== undefined) {
      if (seconds !== undefined) args.refuse('it takes seconds or until, not both');
      const last = Math.floor(at) + SECONDS_MAX * 1000;
      args.wholeNumber('until', until, Math.floor(at) + 1, last);
    }
    const ban: Ban = {
      kind: kindOf(args, given.kind),
      who: args.text('who', given.who),
      reason: args.text('reason', given.reason ?? ''),
      by: args.text('by', given.by ?? 'operator'),
      at,
      until: seconds === undefined ? (until ?? null) : at + seconds * 1000,
    };
    try {
      bans.add(ban);
    } catch (error) {
      if (!(error instanceof BanError)) throw error;
      if (error.isFull) throw new EmbedError('quota-exceeded', `auth.max-bans: ${error.message}`);
      args.refuse(error.message);
    }
    await committed(journal, `${ban.kind} ${ban.who} is banned`);
    return ban;
  }

  async remove(kind: BanKind, who: string): Promise<boolean> {
    const args = new Arguments('bans.remove');
    const { bans, journal } = this.#serving();
    if (!bans.remove(kindOf(args, kind), args.text('who', who))) return false;
    await committed(journal, `the ban of ${kind} ${who} is gone`);
    return true;
  }

  #serving(): Broker {
    const broker = this.#broker;
    if (!broker.isServing) throw new EmbedError('stopped', 'the broker has been stopped');
    return broker;
  }
}

function kindOf(args: Arguments, kind: unknown): BanKind {
  if (!BAN_KINDS.includes(kind as BanKind)) args.refuse(`kind takes ${BAN_KINDS.join(', ')}`);
  return kind as BanKind;
}
