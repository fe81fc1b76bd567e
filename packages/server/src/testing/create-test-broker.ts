import type { BrokerExtras } from '../embed/create-broker.ts';
import { RunningTestBroker } from './running-test-broker.ts';
import type { TestBroker } from './test-broker.ts';
import { parseTestOptions, type TestBrokerOptions } from './test-broker-options.ts';

/**
 * Starts a broker for a test: in memory, at free ports of this machine, any number side by side.
 *
 * @param options - as of `createBroker`, and those of tests
 * @throws {TestBrokerError} `bad-argument`
 * @throws {ConfigError} when an option of the broker is wrong
 *
 * @example
 * await using t = await createTestBroker({ clock: 'fake' });
 * const client = await mqtt.connectAsync(t.url, { clientId: 'dev-1' });
 * await client.publishAsync('a/b', '{"x":1}', { qos: 1 });
 * await t.waitFor('a/+');
 */
export async function createTestBroker(
  options: TestBrokerOptions = {},
  extras: BrokerExtras = {},
): Promise<TestBroker> {
  const broker = new RunningTestBroker(parseTestOptions(options), extras);
  await broker.start();
  return broker;
}
