import type { Credentials } from '../credentials.ts';
import type { Provider, ProviderAnswer } from '../provider.ts';
import { faultOf } from './check-answer.ts';

/** What came of asking a provider: its answer, or how it failed. */
export type Asked = ProviderAnswer | Failure;

export interface Failure {
  readonly result: 'failed';
  readonly failure: 'error' | 'timeout';
  /** For the log. */
  readonly why: string;
}

/** Calls back once after a time, in milliseconds; what is returned prevents it. */
export type SetTimer = (delayMs: number, callback: () => void) => () => void;

/** Whether a provider has answered. */
export function settled(asked: Asked): asked is ProviderAnswer {
  return asked.result !== 'failed';
}

const PASS: ProviderAnswer = Object.freeze({ result: 'pass' });

/**
 * Asks a provider who a client is: at once where it answers at once. It never throws, and what it returns is never rejected.
 *
 * @param timeoutMs - how long it may take; then its signal is aborted, and what it still answers has no effect
 * @param gone - aborted when nobody needs the answer any more
 */
export function ask(
  provider: Provider,
  credentials: Credentials,
  timeoutMs: number,
  setTimer: SetTimer,
  gone: AbortSignal | undefined,
): Asked | Promise<Asked> {
  if (provider.authenticate === undefined) return PASS;
  const controller = new AbortController();
  let answer: ProviderAnswer | Promise<ProviderAnswer>;
  try {
    answer = provider.authenticate(credentials, controller.signal);
  } catch (error) {
    return failedBy(error);
  }
  if (!(answer instanceof Promise)) return checked(answer);
  const awaited = answer;
  return new Promise((resolve) => {
    const onGone = () => {
      controller.abort(new Error('the client has gone'));
      finish({ result: 'failed', failure: 'timeout', why: 'the client has gone' });
    };
    const cancel = Number.isFinite(timeoutMs)
      ? setTimer(timeoutMs, () => {
          controller.abort(new Error(`it took longer than ${timeoutMs} ms`));
          finish({
            result: 'failed',
            failure: 'timeout',
            why: `it has not answered within ${timeoutMs} ms`,
          });
        })
      : () => {};
    const finish = (asked: Asked) => {
      cancel();
      gone?.removeEventListener('abort', onGone);
      resolve(asked);
    };
    gone?.addEventListener('abort', onGone);
    awaited.then(
      (value) => finish(checked(value)),
      (error: unknown) => finish(failedBy(error)),
    );
  });
}

function checked(answer: ProviderAnswer): Asked {
  const why = faultOf(answer);
  return why === null ? answer : { result: 'failed', failure: 'error', why };
}

export function failedBy(error: unknown): Failure {
  const why = error instanceof Error ? error.message : 'it threw what is no error';
  return { result: 'failed', failure: 'error', why };
}
