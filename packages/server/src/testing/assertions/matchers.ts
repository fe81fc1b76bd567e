import type { TestBroker } from '../test-broker.ts';
import { compare, type Equals, type ExpectedMessage } from './expectation.ts';

/** What `expect` has with `expect.extend(matchers)`; for the types of jest and vitest. */
export interface TestMatchers<R = unknown> {
  /**
   * The test broker has received such a message, of those that are kept since it was made or cleared.
   *
   * @param filter - a topic filter such as `a/b` or `a/#`
   */
  toHaveReceived(filter: string, expected?: ExpectedMessage): R;
}

/** What jest and vitest call a matcher with. */
export interface MatcherContext {
  readonly equals: Equals;
}

/** For `expect.extend` of jest and vitest. */
export const matchers = {
  toHaveReceived(
    this: MatcherContext,
    received: TestBroker,
    filter: string,
    expected: ExpectedMessage = {},
  ): { pass: boolean; message: () => string } {
    const { pass, message } = compare(received, filter, expected, (actual, wanted) =>
      this.equals(actual, wanted),
    );
    return { pass, message: () => (pass ? `not ${message}` : message) };
  },
};
