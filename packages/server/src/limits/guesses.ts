import { GuessThrottle, type GuessWatch, type ThrottleVerdict } from '@promptmq/auth';
import type { Config } from '../config/index.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { addressGroupOf } from './address-group.ts';

/** What guesses of passwords need of the house. */
interface GuessesHost {
  readonly config: Config;
  readonly runtime: Runtime;
}

/** Guesses of passwords, as `auth.guesses` limits them; they stay counted over reloads. */
export class Guesses implements GuessWatch {
  readonly #throttle: GuessThrottle;

  constructor({ config, runtime }: GuessesHost) {
    this.#throttle = new GuessThrottle(
      () => {
        const { perClient, perAddress, perUser, maxWait, maxTracked } = config.auth.guesses;
        return {
          clientGuesses: perClient,
          addressGuesses: perAddress,
          userGuesses: perUser,
          waitMaxMs: maxWait,
          entriesMax: maxTracked,
        };
      },
      () => runtime.now(),
    );
  }

  ask(address: string, userName: string): ThrottleVerdict {
    return this.#throttle.ask(addressGroupOf(address) ?? '', userName);
  }

  wrong(address: string, userName: string): void {
    this.#throttle.wrong(addressGroupOf(address) ?? '', userName);
  }

  right(address: string, userName: string): void {
    this.#throttle.right(addressGroupOf(address) ?? '', userName);
  }
}
