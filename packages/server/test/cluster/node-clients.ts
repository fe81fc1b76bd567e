import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { TestNode } from './node-cluster.ts';

/** Of clients whose sessions stay. */
export const STORED: IClientOptions = { clean: false, properties: { sessionExpiryInterval: 3600 } };

/** A node that starts may have cells that nobody serves yet. */
const REFUSED: IClientOptions = { reconnectOnConnackError: true };

/** By their identifiers: two that have the same would take its session from each other for ever. */
const clients = new Map<string, MqttClient>();

/** A client that goes on connecting, to one node; the one before it with its identifier ends. */
function clientOf(
  node: Pick<TestNode, 'url'>,
  clientId: string,
  options: IClientOptions = {},
): MqttClient {
  const terms = {
    clientId,
    protocolVersion: 5,
    reconnectPeriod: 200,
    ...REFUSED,
    ...options,
  } as const;
  clients.get(clientId)?.end(true);
  const client = mqtt.connect(node.url, terms);
  client.on('error', () => {});
  clients.set(clientId, client);
  return client;
}

/** A client that is connected, and the payloads that it gets. */
export async function connected(
  node: Pick<TestNode, 'url'>,
  clientId: string,
  options: IClientOptions = {},
) {
  const client = clientOf(node, clientId, options);
  const got: string[] = [];
  client.on('message', (_topic, payload) => got.push(`${payload}`));
  await new Promise((resolve) => client.once('connect', resolve));
  return { client, got };
}

/** Looks again and again. */
export async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A node serves so many cells. */
export async function untilItServes(node: TestNode, cells: number): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`http://127.0.0.1:${node.metricsPort}/metrics`)).text();
    if (metrics.includes(`promptmq_cluster_cells_here ${cells}\n`)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Ends all clients of this file's tests. */
export function endClients(): void {
  for (const client of clients.values()) client.end(true);
}
