import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Directory } from '@promptmq/cluster';
import { MetricsHub, type ObservedWorkers } from '../../src/cluster/metrics-hub.ts';
import type { ObservedNode } from '../../src/cluster/node/node-metrics.ts';
import { metricsSocket, type WorkerLabel } from '../../src/cluster/worker-messages.ts';
import { parseConfig } from '../../src/config/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { type AdminStats, createStats } from '../../src/runtime/stats.ts';

const CELL: Directory['cells'][number] = {
  cell: 0,
  epoch: 3,
  node: 'one',
  state: 'serving',
  address: null,
  isForgotten: false,
  isAway: false,
};

const NODE: ObservedNode = {
  id: 'one',
  isActive: true,
  known: {
    cells: [
      CELL,
      { ...CELL, cell: 1, epoch: 1, node: 'two', state: 'opening' },
      { ...CELL, cell: 2, epoch: 2, node: 'two', isAway: true },
    ],
    nodes: ['one', 'two'].map((id) => ({
      ...{ id, incarnation: '1', isAlive: id === 'one', isEligible: true, address: null },
      ...{ clients: [], version: '1', fingerprint: null },
    })),
  },
  links: {
    up: [['two', false]],
    roundTrips: [['two', 0.25]],
    bytes: [{ node: 'two', lane: 'messages', direction: 'sent', bytes: 7 }],
    refused: 4,
  },
  disagreements: new Map([['two', ['mqtt.max-qos']]]),
  witnessViolations: 2,
  lostLogs: 1,
  claims: { free: 1, move: 0, late: 2, gone: 0, ended: 0 },
};

let directory: string;
let processes: Server[];
let hub: MetricsHub;
let admin: AdminStats;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'promptmq-hub-'));
  processes = [];
});

afterEach(async () => {
  await hub.close();
  for (const server of processes) await once(server.close(), 'close');
  rmSync(directory, { recursive: true });
});

/** A process that is well, and ready unless told otherwise. */
async function run(label: WorkerLabel, readyStatus = 200): Promise<void> {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/ready' ? readyStatus : 200;
    response.setHeader('connection', 'close');
    response.end('{}');
  });
  processes.push(server);
  await once(server.listen(join(directory, metricsSocket(label))), 'listening');
}

async function open(more: Partial<ObservedWorkers>, node: ObservedNode | null = NODE) {
  admin = createStats().admin;
  const { metrics } = parseConfig({ metrics: { bind: '127.0.0.1:0' } });
  const supervisor: ObservedWorkers = {
    ...{ directory, workers: [], awaited: ['front'], restarts: 0 },
    ...{ isTakingClients: true, problems: [], warnings: [], remedies: [], ...more },
  };
  hub = await MetricsHub.open(supervisor, { node, admin }, metrics, noopLogger);
}

async function statusOf(path: string): Promise<number> {
  return (await fetch(`${hub.url}${path}`)).status;
}

test('a process that nobody waits for does not keep the others from being ready', async () => {
  await run('front');
  await open({
    workers: [
      { label: 'front', isReady: true },
      { label: 0, isReady: false },
    ],
  });
  expect([await statusOf('/ready'), await statusOf('/health')]).toEqual([200, 200]);
});

test('one that is waited for does', async () => {
  await run('front');
  await run(0, 503);
  await open({ awaited: ['front', 0] });
  expect([await statusOf('/ready'), await statusOf('/health')]).toEqual([503, 200]);
});

test('what keeps a node from serving is no health, and says so; it is ready as long as it takes clients', async () => {
  await run('front');
  await open({ problems: ['hold: engine'] });
  const health = await fetch(`${hub.url}/health`);
  expect([health.status, await health.json()]).toEqual([
    503,
    { status: 'not ok', problems: ['hold: engine'], workers: [{}] },
  ]);
  expect(await statusOf('/ready')).toBe(200);
});

test('what people have to do is said where a problem is', async () => {
  await run('front');
  await open({ problems: ['witness'], remedies: ['repair it'] });
  expect(await (await fetch(`${hub.url}/health`)).json()).toMatchObject({
    problems: ['witness'],
    remedies: ['repair it'],
  });
});

test('a node that takes no clients is not ready', async () => {
  await run('front');
  await open({ isTakingClients: false });
  expect(await statusOf('/ready')).toBe(503);
});

test('a node shows what it knows of its cluster; workers of one machine show nothing of that', async () => {
  await open({});
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('promptmq_cluster_'));
  expect(lines).toEqual([
    'promptmq_cluster_node_active 1',
    'promptmq_cluster_nodes{state="alive"} 1',
    'promptmq_cluster_nodes{state="late"} 1',
    'promptmq_cluster_cells{state="free"} 0',
    'promptmq_cluster_cells{state="opening"} 1',
    'promptmq_cluster_cells{state="serving"} 1',
    'promptmq_cluster_cells{state="moving"} 0',
    'promptmq_cluster_cells{state="away"} 1',
    'promptmq_cluster_cells_here 1',
    'promptmq_cluster_cell_epoch{cell="0"} 3',
    'promptmq_cluster_cell_epoch{cell="1"} 1',
    'promptmq_cluster_cell_epoch{cell="2"} 2',
    'promptmq_cluster_config_mismatch{node="two"} 1',
    'promptmq_cluster_witness_violations_total 2',
    'promptmq_cluster_lost_logs 1',
    'promptmq_cluster_link_up{node="two"} 0',
    'promptmq_cluster_link_rtt_seconds{node="two"} 0.25',
    'promptmq_cluster_link_bytes_total{node="two",lane="messages",direction="sent"} 7',
    'promptmq_cluster_links_refused_total 4',
    'promptmq_cluster_claims_total{reason="free"} 1',
    'promptmq_cluster_claims_total{reason="move"} 0',
    'promptmq_cluster_claims_total{reason="late"} 2',
    'promptmq_cluster_claims_total{reason="gone"} 0',
    'promptmq_cluster_claims_total{reason="ended"} 0',
  ]);
  await hub.close();
  await open({}, null);
  expect(await (await fetch(`${hub.url}/metrics`)).text()).not.toContain('promptmq_cluster_');
});

test('what is not as it should be is said where health is asked for, and changes no answer', async () => {
  await run('front');
  await open({ warnings: ['node two disagrees with one on mqtt.max-qos'] });
  const health = await fetch(`${hub.url}/health`);
  expect(health.status).toBe(200);
  expect(await health.json()).toMatchObject({
    warnings: ['node two disagrees with one on mqtt.max-qos'],
  });
  const metrics = await (await fetch(`${hub.url}/metrics`)).text();
  expect(metrics).toContain('promptmq_cluster_config_mismatch{node="two"} 1');
});

test('what is counted of the admin API is shown, and the days of its certificates', async () => {
  await open({});
  admin.requests['2xx'] = 5;
  admin.rateLimited = 2;
  admin.streamsCurrent = 1;
  admin.certificates = [{ name: 'ops', expiresAt: Date.now() + 10 * 86_400_000 }];
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  expect(text).toContain('promptmq_admin_requests_total{status="2xx"} 5\n');
  expect(text).toContain('promptmq_admin_rate_limited_total 2\n');
  expect(text).toContain('promptmq_admin_streams_current 1\n');
  const days = /promptmq_certificate_days_left\{listener="admin API",certificate="ops"\} (\S+)/;
  expect(Number(days.exec(text)?.[1])).toBeCloseTo(10, 2);
});
