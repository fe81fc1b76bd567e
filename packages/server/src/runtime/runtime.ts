import { randomBytes } from 'node:crypto';
import { type Clock, nodeClock } from '@promptmq/wal';

/**
 * What the broker needs of the machine beside its connections. Tests and simulations bring their own,
 * so that no part of the state machine reads a clock, waits, or draws random numbers by itself.
 *
 * A broker's parts see it through `BrokerClock`, whose `now` is the broker's time.
 */
export interface Runtime extends Clock {
  /** A string that has not been and will not be returned again, 22 characters of the base64url alphabet. */
  uniqueId(): string;
}

export const nodeRuntime: Runtime = {
  ...nodeClock,
  uniqueId: () => randomBytes(16).toString('base64url'),
};
