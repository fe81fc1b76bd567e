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
  const url = new URL(`${broker.url}`);
  target = { host: url.hostname, port: Number(url.port), wsUrl: `${broker.wsUrl}/mqtt` };
});

afterAll(() => broker?.stop());

function titleOf({ title, rules }: ConformanceCase): string {
  return `${title} [${rules.join('] [')}]`;
}

describe('conformance', () => {
  for (const [index, one] of allCases.entries()) {
    const isPossible = one.needs === 'tcp' || address === undefined || wsUrl !== undefined;
    (isPossible ? test.concurrent : test.skip)(
      titleOf(one),
      async () => {
        const context = new Context(target, `case${index}x${process.pid}`);
        try {
          await one.run(context);
        } finally {
          context.close();
        }
      },
      30_000,
    );
  }
});
