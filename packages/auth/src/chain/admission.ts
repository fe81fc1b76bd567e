import { ReasonCode } from '@promptmq/codec';
import { Acl } from '../acl/acl.ts';
import type { ProvedUser } from '../proved-user.ts';

/** Whether a client is let in, and as whom. */
export type Admission = Admitted | Refused;

/** Who a client is that is let in, and what goes with it. */
export interface Admitted {
  readonly isAdmitted: true;
  /** Who said so, such as `password-file`; null where nobody did: the client is let in without a name. */
  readonly provider: string | null;
  /** Null where it was not proved. */
  readonly userName: string | null;
  /** The client identifier that it gets; null where its own holds. */
  readonly clientId: string | null;
  /** Whether no rule applies to it. */
  readonly isSuperuser: boolean;
  readonly attributes: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  /** Rules of its own; null where there are none. */
  readonly acl: Acl | null;
  /** Until when it may stay, in milliseconds since 1970; Infinity without an end. */
  readonly expiresAt: number;
  /** What the provider wants to see again when it is asked whether the client may stay. */
  readonly ticket: unknown;
}

/** Why a client isn't let in, by what there is to count. */
export const REFUSAL_REASONS = [
  /** A provider said no. */
  'denied',
  /** A provider has too much to do. */
  'busy',
  /** Too many passwords were wrong: this one was not looked at. */
  'throttled',
  /** No provider knows who that is. */
  'unknown',
  /** It names nobody, and that isn't allowed. */
  'anonymous',
  /** A provider failed. */
  'error',
  /** A provider took too long. */
  'timeout',
  /** What it showed had expired already. */
  'expired',
  /** Users were changed while the answer was awaited. */
  'revoked',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export interface Refused {
  readonly isAdmitted: false;
  /** Who decided so; null where no single provider did. */
  readonly provider: string | null;
  readonly reason: RefusalReason;
  /** 0x80 or above, of those that CONNACK may have (§3.2.2.2). */
  readonly reasonCode: number;
  /** For the client. */
  readonly why: string;
  /** For the log; without secrets. */
  readonly detail: string;
}

/** What a client gets to know: whoever guesses learns nothing from it. */
const WORDS: ReadonlyMap<number, string> = new Map([
  [ReasonCode.BadUserNameOrPassword, 'wrong user name or password'],
  [ReasonCode.ServerUnavailable, 'who the client is could not be found out'],
  [ReasonCode.ServerBusy, 'too many clients want to be let in'],
  [ReasonCode.Banned, 'banned'],
  [ReasonCode.QuotaExceeded, 'quota exceeded'],
  [ReasonCode.ConnectionRateExceeded, 'too many connections'],
]);

/**
 * @param detail - for the log
 * @param reasonString - for the client; by default it learns no more than the reason code says
 */
export function refused(
  provider: string | null,
  reason: RefusalReason,
  reasonCode: number,
  detail: string,
  reasonString?: string,
): Refused {
  const why = reasonString ?? WORDS.get(reasonCode) ?? 'not authorized';
  return { isAdmitted: false, provider, reason, reasonCode, why, detail };
}

type AlongWithIt = Omit<ProvedUser, 'userName' | 'acl'> & {
  readonly acl?: ProvedUser['acl'] | Acl;
  readonly clientId?: string | null;
};

function aclOf(acl: AlongWithIt['acl']): Acl | null {
  return acl instanceof Acl || !acl ? (acl ?? null) : new Acl(acl);
}

const NOTHING: Readonly<Record<string, string>> = Object.freeze({});

/**
 * A client that is let in without more than a name.
 *
 * @param provider - who said so; null where nobody did
 * @throws {RangeError} when there is something wrong with the rules of its own
 */
export function admitted(
  provider: string | null,
  userName: string | null,
  more: AlongWithIt = {},
): Admitted {
  return {
    isAdmitted: true,
    provider,
    userName,
    clientId: more.clientId ?? null,
    isSuperuser: more.isSuperuser ?? false,
    attributes: more.attributes ?? NOTHING,
    groups: more.groups ?? [],
    roles: more.roles ?? [],
    acl: aclOf(more.acl),
    expiresAt: more.expiresAt ?? Number.POSITIVE_INFINITY,
    ticket: more.ticket ?? null,
  };
}
