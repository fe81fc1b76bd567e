import { AssertionError } from 'node:assert';
import type { TestBroker } from '../test-broker.ts';
import { compare, type ExpectedMessage } from './expectation.ts';

/**
 * For `node:test` and any other runner: asserts that a test broker has received a message, of those that are kept since it was
 * made or cleared.
 *
 * @param filter - a topic filter such as `a/b` or `a/#`
 * @throws {AssertionError} that says what has come
 * @throws {TestBrokerError} `bad-argument`
 *
 * @example
 * assertReceived(t, 'devices/1/state', { qos: 1, payload: { on: true } });
 */
export function assertReceived(
  broker: TestBroker,
  filter: string,
  expected: ExpectedMessage = {},
): void {
  const { pass, message } = compare(broker, filter, expected);
  if (!pass) throw new AssertionError({ message, stackStartFn: assertReceived });
}

/** The opposite of `assertReceived`. */
export function assertNotReceived(
  broker: TestBroker,
  filter: string,
  expected: ExpectedMessage = {},
): void {
  const { pass, message } = compare(broker, filter, expected);
  if (pass)
    throw new AssertionError({ message: `not ${message}`, stackStartFn: assertNotReceived });
}
