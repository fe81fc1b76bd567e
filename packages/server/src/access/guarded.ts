import {
  type Admission,
  type GuessWatch,
  type Refused,
  refused,
  type ThrottleVerdict,
} from '@promptmq/auth';
import { ReasonCode } from '@promptmq/codec';

/** Who shows a password, from where. */
interface Guesser {
  readonly address: string;
  readonly userName: string | null;
  readonly password: Uint8Array | null;
}

/** What becomes of credentials before anybody is asked about them: those without a user name or password are no guess. */
export function guessVerdict(
  guesses: GuessWatch,
  { address, userName, password }: Guesser,
): ThrottleVerdict | null {
  return userName === null || password === null ? null : guesses.ask(address, userName);
}

/** Counts what a password turned out to be, where somebody has looked at it. */
export function noteGuess(
  guesses: GuessWatch,
  { address, userName, password }: Guesser,
  admission: Admission,
): void {
  if (userName === null || password === null) return;
  if (!admission.isAdmitted) {
    if (isWrong(admission)) guesses.wrong(address, userName);
  } else if (admission.provider !== null && admission.userName === userName) {
    // Who is let in as somebody else, by a certificate, say, has proved nothing of this name.
    guesses.right(address, userName);
  }
}

/** Other refusals say nothing of the password: who decides was busy or failed, or has banned the client. */
function isWrong({ reason, reasonCode }: Refused): boolean {
  return (
    (reason === 'denied' || reason === 'unknown') &&
    (reasonCode === ReasonCode.BadUserNameOrPassword || reasonCode === ReasonCode.NotAuthorized)
  );
}

/** Who has to wait before the next guess. */
export function throttled(by: 'client' | 'address'): Refused {
  const limit = by === 'client' ? 'auth.guesses.per-client' : 'auth.guesses.per-address';
  return refused(
    null,
    'throttled',
    ReasonCode.QuotaExceeded,
    `too many wrong passwords: ${limit} reached`,
  );
}
