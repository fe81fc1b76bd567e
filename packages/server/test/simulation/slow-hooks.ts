import type { Clock } from '@promptmq/wal';
import type { Random } from '@promptmq/wal/testing';
import type { HookMessage, Hooks } from '../../src/hooks/hooks.ts';

/** Longest that an answer takes, in milliseconds. */
const ANSWER_MS_MAX = 40;

/**
 * A program that allows everything, now at once, now by a promise that is kept a while later: nothing that clients were
 * promised depends on it.
 *
 * @param life - of the process: what it has not answered when it ends is never answered
 */
export function slowHooks(life: Pick<Clock, 'setTimer'>, random: Random): Hooks {
  const answer = <A>(value: A): A | Promise<A> => {
    if (random.chance(0.6)) return value;
    if (random.chance(0.3)) return Promise.resolve(value);
    return new Promise((resolve) => {
      life.setTimer(random.below(ANSWER_MS_MAX), () => resolve(value));
    });
  };
  return {
    preConnect: () => answer(true),
    authenticate: () => answer(true),
    authorizeSubscribe: () => answer(true),
    authorizePublish: () => answer(true),
    authorizeDeliver: () => true,
    transform: (_client, message) =>
      answer(random.chance(0.5) ? true : { allow: true, ...copied(message) }),
  };
}

/** The same message, as far as a transformation may name it. */
function copied({ topic, payload, properties }: HookMessage) {
  return { topic, payload: Buffer.from(payload), properties };
}
