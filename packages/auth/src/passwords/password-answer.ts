import { ReasonCode } from '@promptmq/codec';
import type { ProviderAnswer } from '../provider.ts';

/*
 * What providers that check passwords say of those that are not right.
 */

/** @param isKnown - whether the user is there: of one who isn't, the next provider may know more */
export function wrongPassword(isKnown: boolean): ProviderAnswer {
  return isKnown
    ? { result: 'deny', reasonCode: ReasonCode.BadUserNameOrPassword, why: WRONG }
    : { result: 'pass', why: WRONG };
}

const WRONG = 'wrong user name or password';

/** Why a password was not looked at. */
export const NOT_CHECKED: Readonly<Record<'busy' | 'throttled', ProviderAnswer>> = {
  busy: {
    result: 'deny',
    reasonCode: ReasonCode.ServerBusy,
    why: 'auth.max-waiting-checks reached',
  },
  throttled: {
    result: 'deny',
    reasonCode: ReasonCode.QuotaExceeded,
    why: 'too many wrong passwords',
  },
};
