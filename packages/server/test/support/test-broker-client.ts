import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import {
  createTestBroker,
  type TestBroker,
  type TestBrokerOptions,
} from '../../src/testing/index.ts';

const open: (() => Promise<void>)[] = [];

/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close();
}

/** A test broker that is stopped by `closeAll`. */
export async function testBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const broker = await createTestBroker(options);
  open.push(() => broker.stop());
  return broker;
}

/** A client that has connected, and doesn't again by itself. */
export async function client(
  t: TestBroker,
  clientId: string,
  options: IClientOptions = {},
): Promise<MqttClient> {
  const connected = await mqtt.connectAsync(t.url, {
    clientId,
    protocolVersion: 5,
    keepalive: 0,
    reconnectPeriod: 0,
    ...options,
  });
  connected.on('error', () => {});
  open.push(() => connected.endAsync(true));
  return connected;
}

/** What a client gets from now on, as `topic payload`. */
export function messagesOf(connected: MqttClient): string[] {
  const messages: string[] = [];
  connected.on('message', (topic, payload) => messages.push(`${topic} ${payload}`));
  return messages;
}

/** Resolves with what comes with the next event of a client. */
export function happened(connected: MqttClient, event: 'close' | 'message'): Promise<unknown[]> {
  return new Promise((resolve) => {
    connected.once(event, (...args: unknown[]) => resolve(args));
  });
}
