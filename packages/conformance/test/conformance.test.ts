import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '@promptmq/server';
import { allCases, type ConformanceCase, Context, type Target } from '../src/index.ts';

/** `MQTT_TARGET=host:port` and `MQTT_TARGET_WS=ws://…` test another broker; else one is started. */
const { MQTT_TARGET: address, MQTT_TARGET_WS: wsUrl } = process.env;

let broker: RunningBroker | null = null;
let target: Target;

beforeAll(async () => {
  if (address !== undefined) {
    const colon = address.lastIndexOf(':');
    const port = Number(address.slice(colon + 1));
    target = { host: address.slice(0, colon), port, wsUrl: wsUrl ?? null };
    return;
  }
  broker = await createBroker();
  target = targetOf(broker);
});

afterAll(() => broker?.stop());

function targetOf({ url, wsUrl }: RunningBroker): Target {
  const { hostname, port } = new URL(`${url}`);
  return { host: hostname, port: Number(port), wsUrl: `${wsUrl}/mqtt` };
}

/** Whether the target can be asked for it: another broker's configuration isn't ours to change. */
function isPossible({ needs, options }: ConformanceCase): boolean {
  if (address === undefined) return true;
  return options === null && (needs === 'tcp' || wsUrl !== undefined);
}

async function run(one: ConformanceCase, name: string): Promise<void> {
  const own = one.options === null ? null : await createBroker({ mqtt: one.options });
  const context = new Context(own === null ? target : targetOf(own), name);
  try {
    await one.run(context);
  } finally {
    context.close();
    await own?.stop();
  }
}

describe('conformance', () => {
  for (const [index, one] of allCases.entries()) {
    const standard = one.version === 5 ? 'MQTT 5' : '3.1.1';
    const title = `${standard}: ${one.title} [${one.rules.join('] [')}]`;
    const declare = isPossible(one) ? test.concurrent : test.skip;
    declare(title, () => run(one, `case${index}x${process.pid}`), 30_000);
  }
});
