import type { Credentials, Provider, ProviderAnswer } from '@promptmq/auth';

/** A client's credentials, with the way to its program's hook. */
export interface AskingCredentials extends Credentials {
  /**
   * Asks the hook `authenticate`; null where there is none.
   *
   * @param onAnswer - called at once where the hook answers at once; never where the connection is over before
   */
  readonly askHook: ((onAnswer: (answer: ProviderAnswer) => void) => void) | null;
}

/** The program that embeds the broker is asked. Its hook has a time-out of its own (`hooks.timeout`). */
export function createCustomProvider(): Provider {
  return {
    name: 'custom',
    authenticate: (credentials, signal) => {
      const { askHook } = credentials as AskingCredentials;
      if (askHook === null) return { result: 'pass', why: 'no hook' };
      let answered: ProviderAnswer | null = null;
      let onAnswer = (answer: ProviderAnswer) => {
        answered = answer;
      };
      askHook((answer) => onAnswer(answer));
      if (answered !== null) return answered;
      return new Promise<ProviderAnswer>((resolve) => {
        onAnswer = resolve;
        signal.addEventListener('abort', () => resolve({ result: 'pass' }));
      });
    },
  };
}
