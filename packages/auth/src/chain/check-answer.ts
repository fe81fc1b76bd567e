import { ReasonCode } from '@promptmq/codec';
import type { ProviderAnswer } from '../provider.ts';

/** MQTT's strings have at most so many bytes (§1.5.4). */
const TEXT_BYTES_MAX = 65_535;

/** Refusals that CONNACK may have (§3.2.2.2) and that say something of the client or of who decides on it. */
const DENIALS: ReadonlySet<number> = new Set([
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.ClientIdentifierNotValid,
  ReasonCode.BadUserNameOrPassword,
  ReasonCode.NotAuthorized,
  ReasonCode.ServerUnavailable,
  ReasonCode.ServerBusy,
  ReasonCode.Banned,
  ReasonCode.BadAuthenticationMethod,
  ReasonCode.QuotaExceeded,
  ReasonCode.UseAnotherServer,
  ReasonCode.ServerMoved,
  ReasonCode.ConnectionRateExceeded,
]);

/**
 * What is wrong with an answer; null when it may be used. Names come from databases and tokens: a name that MQTT
 * can't carry would be compared with others that it can.
 */
export function faultOf(answer: ProviderAnswer): string | null {
  switch (answer?.result) {
    case 'pass':
      return null;
    case 'deny':
      return answer.reasonCode === undefined || DENIALS.has(answer.reasonCode)
        ? null
        : `it denies with ${shown(answer.reasonCode)}, which CONNACK can't say`;
    case 'allow':
      return faultOfAllowance(answer);
    default:
      return 'its answer is none of allow, deny and pass';
  }
}

function faultOfAllowance(answer: ProviderAnswer & { readonly result: 'allow' }): string | null {
  const { userName, clientId, expiresAt, groups = [], roles = [] } = answer;
  if (userName !== undefined && userName !== null && !isText(userName)) {
    return 'the user name that it gives is empty, too long, or no text';
  }
  if (clientId !== undefined && !isText(clientId)) {
    return 'the client identifier that it gives is empty, too long, or no text';
  }
  if (expiresAt !== undefined && (typeof expiresAt !== 'number' || Number.isNaN(expiresAt))) {
    return 'the end that it gives is no time';
  }
  if (!isTexts(groups)) return 'its groups are no list of names';
  return isTexts(roles) ? null : 'its roles are no list of names';
}

function isTexts(names: unknown): boolean {
  return Array.isArray(names) && names.every(isText);
}

function isText(text: unknown): boolean {
  if (typeof text !== 'string' || text === '' || /[\0\p{Surrogate}]/u.test(text)) return false;
  return Buffer.byteLength(text) <= TEXT_BYTES_MAX;
}

function shown(value: unknown): string {
  return typeof value === 'number' ? `0x${value.toString(16)}` : typeof value;
}
