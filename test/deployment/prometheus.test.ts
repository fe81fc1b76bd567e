import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { createBroker, type RunningBroker } from '../../packages/server/src/index.ts';
import { TestClient } from '../../packages/server/test/support/mqtt-client.ts';
import { otherProgram } from '../../packages/server/test/support/other-programs.ts';
import { connectBytes } from '../../packages/server/test/support/packet-client.ts';
import { dashboardPanels, fillIn } from './dashboard.ts';
import { dockerFolder, JOB, Prometheus } from './prometheus.ts';

const RATE_INTERVAL = '1m';

function promtool(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

const { missing } = otherProgram('prometheus');
if (missing === null) describe('Prometheus', testPrometheus);
else test.skip(`Prometheus: ${missing}`, () => {});

function testPrometheus(): void {
  test('promtool finds configuration and rules in order', () => {
    const output = promtool('check', 'config', join(dockerFolder, 'prometheus', 'prometheus.yml'));
    expect(output).toContain('is valid prometheus config file syntax');
    expect(output).toMatch(/SUCCESS: \d+ rules found/);
  });

  test('each alert goes off when it should, and not otherwise', () => {
    const output = promtool(
      'test',
      'rules',
      fileURLToPath(new URL('./alerts.yml', import.meta.url)),
    );
    expect(output).toContain('SUCCESS');
  });

  test('the dashboard of a cluster has expressions that Prometheus takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-'));
    try {
      const file = join(folder, 'rules.yml');
      const targets = dashboardPanels('promptmq-cluster').flatMap((panel) => panel.targets ?? []);
      const rules = targets.map(({ expr }, index) => ({
        record: `panel:${index}`,
        expr: fillIn(expr, RATE_INTERVAL),
      }));
      writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }));
      expect(promtool('check', 'rules', file)).toContain(`SUCCESS: ${rules.length} rules found`);
      expect(rules.length).toBeGreaterThan(10);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  describe('with a broker', () => {
    let folder: string;
    let broker: RunningBroker;
    let prometheus: Prometheus;
    let traffic: NodeJS.Timeout;
    let clients: TestClient[];
    let visits: Promise<void>;
    let isOver = false;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'promptmq-'));
      broker = await createBroker({
        metrics: { topics: ['load/#'] },
        mqtt: { maxSubscriptions: 1 },
        storage: { dataDir: join(folder, 'data'), walDir: join(folder, 'wal') },
      });
      clients = await connectClients(`${broker.url}`);
      const [subscriber, publisher] = clients as [TestClient, TestClient];
      await subscriber.mqtt.subscribeAsync('load/#', { qos: 2 });
      // What continues for as long as Prometheus looks; a retained message is written to the log.
      traffic = setInterval(() => {
        for (const qos of [0, 1, 2] as const) publisher.mqtt.publish('load/a', 'x', { qos });
        publisher.mqtt.publish('load/kept', 'x', { qos: 1, retain: true });
      }, 50);
      await disturb(`${broker.url}`, subscriber);
      visits = comeAndGo(`${broker.url}`, () => isOver);
      prometheus = await Prometheus.start(new URL(`${broker.metricsUrl}`).host);
    }, 60_000);

    afterAll(async () => {
      clearInterval(traffic);
      isOver = true;
      await visits;
      await prometheus?.stop();
      await Promise.all(clients.map((client) => client.end()));
      await broker.stop();
      rmSync(folder, { recursive: true });
    });

    test('scrapes its endpoint as OpenMetrics without a complaint', async () => {
      await prometheus.until(
        () => prometheus.query(`count_over_time(up{job="${JOB}"}[1m]) >= 3`),
        (result) => result.length === 1,
      );
      const [up] = await prometheus.query(`up{job="${JOB}"}`);
      expect(up?.value[1]).toBe('1');
      const [samples] = await prometheus.query(`scrape_samples_scraped{job="${JOB}"}`);
      expect(Number(samples?.value[1])).toBeGreaterThan(200);
    }, 60_000);

    test('gets a number for every expression of the dashboard', async () => {
      const panels = dashboardPanels();
      expect(panels.length).toBeGreaterThan(30);
      for (const { title, targets = [] } of panels) {
        for (const { expr } of targets) {
          const filled = fillIn(expr, RATE_INTERVAL);
          const result = await prometheus
            .until(
              () => prometheus.query(filled),
              (values) => values.some(({ value }) => !Number.isNaN(Number(value[1]))),
            )
            .catch((error: Error) => error);
          expect([title, expr, result]).toEqual([title, expr, expect.any(Array)]);
        }
      }
    }, 120_000);

    test('evaluates every rule without an error', async () => {
      const rules = await prometheus.until(
        () => prometheus.rules(),
        (states) => states.every(({ health }) => health !== 'unknown'),
      );
      expect(rules.length).toBeGreaterThan(10);
      for (const { name, health, lastError } of rules) {
        expect([name, health, lastError]).toEqual([name, 'ok', undefined]);
      }
    }, 60_000);
  });
}

function connectClients(url: string): Promise<TestClient[]> {
  return Promise.all(
    ['subscriber', 'publisher'].map((clientId) =>
      TestClient.connect(url, { protocolVersion: 5, clientId }),
    ),
  );
}

/** Clients that connect and leave, one after the other. */
async function comeAndGo(url: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const visitor = await TestClient.connect(url);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await visitor.end();
  }
}

/** One of each thing that has no value before it happens: a filter refused, a packet that breaks a rule. */
async function disturb(url: string, subscriber: TestClient): Promise<void> {
  await subscriber.mqtt.subscribeAsync('one/too/many').catch(() => {});
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(connectBytes);
  await once(socket, 'data');
  socket.write(Uint8Array.of(0x30, 2, 0, 0));
  await once(socket, 'close');
}
