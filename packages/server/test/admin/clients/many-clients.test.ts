import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Call } from '../../../src/admin/api/operation.ts';
import { listClients } from '../../../src/admin/routes/clients/list-clients.ts';
import { Broker } from '../../../src/broker.ts';
import { parseConfig } from '../../../src/config/index.ts';
import type { ClientListOptions, ClientPage } from '../../../src/embed/clients/clients.ts';
import { BrokerClients } from '../../../src/embed/clients/clients.ts';
import type { RunningBroker } from '../../../src/index.ts';
import { noopLogger } from '../../../src/log/index.ts';
import { nodeRuntime } from '../../../src/runtime/runtime.ts';

const COUNT = 50_000;

let broker: Broker;

beforeAll(() => {
  broker = new Broker(parseConfig({ storage: { enabled: false } }), nodeRuntime, noopLogger);
  for (let n = 0; n < COUNT; n++) {
    broker.sessions.open(`dev-${n % 1000 === 999 ? 'rare' : 'usual'}-${n}`, false, null, 'none');
  }
});

afterAll(() => broker.stop(0, 0x8b));

/** Counts what is asked of the clients in each turn. */
class CountedClients extends BrokerClients {
  /** Calls since the turn began, and the most that one has had. */
  calls = 0;
  callsMax = 0;
  turns = 0;
  shownMax = 0;
  #isOver = false;

  beginTurns(): void {
    const next = () => {
      this.turns++;
      this.calls = 0;
      if (!this.#isOver) setImmediate(next);
    };
    setImmediate(next);
  }

  endTurns(): void {
    this.#isOver = true;
  }

  override list(options?: ClientListOptions): ClientPage {
    this.calls++;
    this.callsMax = Math.max(this.callsMax, this.calls);
    const page = super.list(options);
    this.shownMax = Math.max(this.shownMax, page.clients.length);
    return page;
  }
}

async function ask(query: object) {
  const clients = new CountedClients(broker);
  const running = { clients, config: broker.config, stats: broker.stats };
  const call = {
    host: { broker: running as unknown as RunningBroker },
    query: { page: 1, limit: 100, ...query },
    signal: new AbortController().signal,
  } as unknown as Call<never, never, never>;
  clients.beginTurns();
  const answer = await listClients.handle(call);
  const text =
    answer.stream === undefined
      ? JSON.stringify(answer.body)
      : await new Response(answer.stream.bytes).text();
  clients.endTurns();
  return { clients, body: JSON.parse(text) };
}

test('the last page of all clients is found without going through those before it', async () => {
  const { clients, body } = await ask({ page: 500 });
  expect(body.data).toHaveLength(100);
  expect(body.meta).toEqual({ page: 500, limit: 100, count: COUNT, hasnext: false });
  expect([clients.callsMax, clients.turns]).toEqual([1, expect.any(Number)]);
  expect(clients.turns).toBeLessThan(4);
});

test('a large page is made in parts, one in a turn', async () => {
  const { clients, body } = await ask({ limit: 10_000 });
  expect(body.data).toHaveLength(10_000);
  expect([clients.callsMax, clients.shownMax]).toEqual([1, 500]);
  // 20 to find them, 50 to make them a text.
  expect(clients.turns).toBeGreaterThanOrEqual(69);
});

test('a search that has to look at all takes turns', async () => {
  const { clients, body } = await ask({ like_clientid: 'rare' });
  expect(body.data).toHaveLength(50);
  expect(body.meta).toEqual({ page: 1, limit: 100, count: 50, hasnext: false });
  expect(clients.callsMax).toBe(1);
  expect(clients.turns).toBeGreaterThanOrEqual(4);
});

test('a sorted list looks at all, a part in a turn', async () => {
  const { clients, body } = await ask({ sort: 'mqueue_len', limit: 10 });
  expect(body.data).toHaveLength(10);
  expect(clients.turns).toBeGreaterThanOrEqual(COUNT / 2000 - 1);
});

test('the pages before the one that is asked for take a turn each', async () => {
  const { clients, body } = await ask({ like_clientid: 'usual', limit: 10, page: 50 });
  expect(body.data).toHaveLength(10);
  expect(clients.callsMax).toBeLessThanOrEqual(2);
  expect(clients.turns).toBeGreaterThanOrEqual(49);
});
