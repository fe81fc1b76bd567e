import type { Peer } from '../../connection/peer.ts';
import type { Faults } from '../../runtime/faults.ts';

/**
 * Waits for an answer from other cells. Meanwhile nothing else that the client sends is processed.
 *
 * @param ask - calls back once, at once or later
 */
export function* answerOf(
  faults: Faults,
  connection: Peer,
  ask: (onDone: (answer: boolean) => void) => void,
): Generator<void, boolean> {
  let answer: boolean | null = null;
  let isAwaited = false;
  ask((one) => {
    answer = one;
    if (isAwaited) faults.contain(connection, 'receiving', () => connection.resume());
  });
  if (answer === null) {
    isAwaited = true;
    connection.suspend();
    yield;
  }
  return answer ?? false;
}
