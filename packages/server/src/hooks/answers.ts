import { ReasonCode } from '@promptmq/codec';
import { isValidTopicFilter } from '@promptmq/topics';
import { InvalidAnswer, inShort, shown } from './hook-error.ts';
import type { ChangedMessage, MessageChange } from './hook-message.ts';
import type { AuthenticateVerdict, HookAcl, HookName } from './hooks.ts';

/** What a hook has answered, checked. */
export type Verdict = Allowance | Refusal;

/** What comes of it that a hook allows something, beside that it does. */
export interface Allowance
  extends Pick<AuthenticateVerdict, 'userName' | 'attributes' | 'expiresAt'> {
  readonly isAllowed: true;
  readonly acl?: Required<HookAcl>;
  /** What `transform` has changed. */
  readonly change?: MessageChange;
  /** The message that takes the place of what was published. */
  readonly message?: ChangedMessage;
}

export interface Refusal {
  readonly isAllowed: false;
  /** 0x80 or above. */
  readonly reasonCode: number;
  /** For the log and the client; may be empty. */
  readonly why: string;
  /** Whether the hook has failed: nobody has refused it. */
  readonly isFailure: boolean;
}

export const ALLOWED: Allowance = { isAllowed: true };
export const REFUSED: Refusal = {
  isAllowed: false,
  reasonCode: ReasonCode.NotAuthorized,
  why: 'not authorized',
  isFailure: false,
};

/** A reason string is one of the protocol (§1.5.4), and no page. */
const REASON_LENGTH_MAX = 1024;
const USER_NAME_BYTES_MAX = 65_535;

const CONNACK_CODES: readonly number[] = [
  ...range(ReasonCode.UnspecifiedError, ReasonCode.Banned),
  ReasonCode.BadAuthenticationMethod,
  ReasonCode.TopicNameInvalid,
  ReasonCode.PacketTooLarge,
  ReasonCode.QuotaExceeded,
  ReasonCode.PayloadFormatInvalid,
  ReasonCode.RetainNotSupported,
  ReasonCode.QoSNotSupported,
  ReasonCode.UseAnotherServer,
  ReasonCode.ServerMoved,
  ReasonCode.ConnectionRateExceeded,
];

const SUBACK_CODES: readonly number[] = [
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.NotAuthorized,
  ReasonCode.TopicFilterInvalid,
  ReasonCode.QuotaExceeded,
];

/** Those that CONNACK may have, too: a will is refused there. */
const PUBACK_CODES: readonly number[] = [
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.NotAuthorized,
  ReasonCode.TopicNameInvalid,
  ReasonCode.QuotaExceeded,
  ReasonCode.PayloadFormatInvalid,
];

/** By hook: what its answer may have beside `allow`, `reasonCode` and `reasonString`, and with what it may refuse. */
const RULES: Readonly<
  Record<HookName, { readonly keys: readonly string[]; readonly codes: readonly number[] }>
> = {
  preConnect: { keys: ['attributes'], codes: CONNACK_CODES },
  authenticate: { keys: ['userName', 'attributes', 'acl', 'expiresAt'], codes: CONNACK_CODES },
  authorizePublish: { keys: [], codes: PUBACK_CODES },
  authorizeSubscribe: { keys: [], codes: SUBACK_CODES },
  authorizeDeliver: { keys: [], codes: [] },
  transform: { keys: ['topic', 'payload', 'properties'], codes: PUBACK_CODES },
};

/**
 * What a hook has answered.
 *
 * @throws {InvalidAnswer} when it may not
 */
export function verdictOf(hook: HookName, value: unknown): Verdict {
  if (value === true) return ALLOWED;
  if (value === false) return REFUSED;
  const { keys, codes } = RULES[hook];
  const allowedKeys = ['allow', 'reasonCode', 'reasonString', ...keys];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidAnswer(
      `returned ${shown(value)}; it may return true, false, { ${allowedKeys.join(', ')} }, or a promise of one of them`,
    );
  }
  const answer = value as Record<string, unknown>;
  for (const key of Object.keys(answer)) {
    if (!allowedKeys.includes(key)) {
      throw new InvalidAnswer(
        `returned ${shown(value)}; ${key} is none of ${allowedKeys.join(', ')}`,
      );
    }
  }
  const take = <T>(key: string, isValid: (field: unknown) => field is T, allowed: string) => {
    const field = answer[key];
    if (field === undefined || isValid(field)) return field;
    throw new InvalidAnswer(`returned ${key}: ${shown(field)}; it is ${allowed}`);
  };
  const allow = take('allow', isBoolean, 'true or false') ?? (hook === 'transform' || undefined);
  if (allow === undefined) {
    throw new InvalidAnswer(`returned ${shown(value)}; it needs allow: true or false`);
  }
  const isCode = (field: unknown): field is number =>
    typeof field === 'number' && (allow ? field === 0 : codes.includes(field));
  const reasonCode = take(
    'reasonCode',
    isCode,
    allow ? 'for refusals' : `one of ${codes.map((code) => `0x${code.toString(16)}`).join(', ')}`,
  );
  const why = take('reasonString', isReason, `a text of at most ${REASON_LENGTH_MAX} characters`);
  const userName = take('userName', isUserName, 'a user name, or null');
  const attributes = take('attributes', isPlainObject, 'an object');
  const acl = aclOf(take('acl', isPlainObject, '{ publish, subscribe }'));
  const expiresAt = take('expiresAt', isTime, 'a date, or milliseconds since 1970');
  const change = changeOf(
    take('topic', isString, 'a topic name'),
    take('payload', isPayload, 'text or a Uint8Array'),
    take('properties', isPlainObject, 'an object'),
  );
  if (!allow) {
    return {
      isAllowed: false,
      reasonCode: reasonCode ?? REFUSED.reasonCode,
      why: why ?? REFUSED.why,
      isFailure: false,
    };
  }
  return {
    isAllowed: true,
    ...(userName === undefined ? {} : { userName }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(acl === undefined ? {} : { acl }),
    ...(change === undefined ? {} : { change }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function aclOf(value: Record<string, unknown> | undefined): Required<HookAcl> | undefined {
  if (value === undefined) return undefined;
  for (const [key, filters] of Object.entries(value)) {
    if (key !== 'publish' && key !== 'subscribe') {
      throw new InvalidAnswer(
        `returned acl: ${shown(value)}; ${key} is none of publish, subscribe`,
      );
    }
    if (filters !== undefined && !isFilters(filters)) {
      throw new InvalidAnswer(
        `returned acl.${key}: ${inShort(filters)}; it is a list of topic filters`,
      );
    }
  }
  const { publish = [], subscribe = [] } = value as HookAcl;
  return { publish: [...publish], subscribe: [...subscribe] };
}

function changeOf(
  topic: string | undefined,
  payload: string | Uint8Array | undefined,
  properties: object | undefined,
): MessageChange | undefined {
  if (topic === undefined && payload === undefined && properties === undefined) return undefined;
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(payload === undefined ? {} : { payload }),
    ...(properties === undefined ? {} : { properties }),
  };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isPayload(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !/[\0\p{Surrogate}]/u.test(value);
}

function isReason(value: unknown): value is string {
  return isText(value) && value.length <= REASON_LENGTH_MAX;
}

function isUserName(value: unknown): value is string | null {
  if (value === null) return true;
  return isText(value) && value !== '' && Buffer.byteLength(value) <= USER_NAME_BYTES_MAX;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTime(value: unknown): value is number | Date {
  return Number.isFinite(value instanceof Date ? value.getTime() : value);
}

function isFilters(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.every((filter) => typeof filter === 'string' && isValidTopicFilter(filter))
  );
}
