import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { nodeCatalogue } from '../../packages/server/src/cluster/node/node-catalogue.ts';
import { brokerCatalogue } from '../../packages/server/src/observability/catalogue.ts';
import { Command } from '../../packages/server/test/support/command.ts';
import { type DashboardName, dashboardPanels } from './dashboard.ts';
import { dockerFolder } from './prometheus.ts';

function read(...path: string[]): string {
  return readFileSync(join(dockerFolder, ...path), 'utf8');
}

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
}

const compose = parse(read('docker-compose.yml')) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const DASHBOARDS: readonly DashboardName[] = ['promptmq', 'promptmq-cluster'];

const dockerfile = read('Dockerfile');
const dockerignore = read('..', '.dockerignore');

test('compose: every image that is pulled is pinned to a version', () => {
  for (const [name, { image, build }] of Object.entries(compose.services)) {
    if (build === undefined)
      expect([name, image]).toEqual([name, expect.stringMatching(/:v?\d+\.\d+\.\d+$/)]);
  }
  expect(Object.keys(compose.services)).toEqual(['promptmq', 'prometheus', 'grafana']);
});

test('compose: what it mounts, builds from and depends on is there', () => {
  for (const { build, volumes = [], depends_on = [] } of Object.values(compose.services)) {
    if (build !== undefined) {
      expect(existsSync(join(dockerFolder, build.context, build.dockerfile))).toBe(true);
    }
    for (const volume of volumes) {
      const [source = '', target] = volume.split(':');
      const isThere = source.startsWith('.')
        ? existsSync(join(dockerFolder, source))
        : source in compose.volumes;
      expect([volume, isThere, target?.startsWith('/')]).toEqual([volume, true, true]);
    }
    const others = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
    for (const other of others) expect(Object.keys(compose.services)).toContain(other);
  }
});

test('compose: only MQTT can be reached from other machines', () => {
  for (const [name, { ports = [] }] of Object.entries(compose.services)) {
    for (const port of ports) {
      const isLocal = port.startsWith('127.0.0.1:');
      const isMqtt = name === 'promptmq' && /^(1883|8080):/.test(port);
      expect([port, isLocal || isMqtt]).toEqual([port, true]);
    }
  }
});

test('compose: Prometheus and Grafana know each other and the broker', () => {
  const prometheus = parse(read('prometheus', 'prometheus.yml')) as {
    readonly scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
  };
  const [job] = prometheus.scrape_configs;
  expect(job).toMatchObject({
    job_name: 'promptmq',
    static_configs: [{ targets: ['promptmq:9090'] }],
  });
  const { datasources } = parse(
    read('grafana', 'provisioning', 'datasources', 'prometheus.yml'),
  ) as { datasources: { uid: string; url: string }[] };
  expect(datasources).toMatchObject([{ uid: 'prometheus', url: 'http://prometheus:9090' }]);
  const { providers } = parse(read('grafana', 'provisioning', 'dashboards', 'promptmq.yml')) as {
    providers: { options: { path: string } }[];
  };
  expect(compose.services['grafana']?.volumes).toContain(
    `./grafana/dashboards:${providers[0]?.options.path}:ro`,
  );
});

test('Dockerfile: pinned, in stages, without privileges, with a health check and one volume', () => {
  const from = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  expect(from).toHaveLength(2);
  for (const image of from) expect(image).toMatch(/^node:\d+\.\d+\.\d+-slim$/);
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM'));
  expect(last).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  expect(last).toMatch(/^HEALTHCHECK /m);
  expect(last.match(/^VOLUME .*$/gm)).toEqual(['VOLUME /data']);
  expect(last).toMatch(/^WORKDIR \/data$/m);
  expect(last).toMatch(/^COPY LICENSE /m);
  expect(dockerignore).toMatch(/^!LICENSE$/m);
  // A shell in between would keep SIGTERM from the broker.
  expect(last).toMatch(/^ENTRYPOINT \["node", "\/app\/bin\/promptmq\.js"\]$/m);
});

test('Dockerfile: the image of Node.js is of a line with long-term support that has not ended', () => {
  const [, major] = /^FROM node:(\d+)\./m.exec(dockerfile) ?? [];
  expect(Number(major) % 2).toBe(0);
  // The line before has no updates any more since April 2027, 20 since April 2026.
  expect(Number(major)).toBeGreaterThanOrEqual(24);
});

test('Dockerfile: its health check finds the broker wherever its configuration has ports, folders and metrics', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-image-'));
  const [, variable, path] = /^ENV (PROMPTMQ_SERVER_ADMIN_SOCKET)=(\S+)$/m.exec(dockerfile) ?? [];
  expect(path).toMatch(/^\/dev\/shm\//);
  const [, check = '[]'] = /^HEALTHCHECK .*\n {2}CMD (\[.*\])$/m.exec(dockerfile) ?? [];
  const [program, file, ...args] = JSON.parse(check) as string[];
  expect([program, file]).toEqual(['node', '/app/bin/promptmq.js']);
  const environment = { [`${variable}`]: join(folder, 'admin.sock') };
  const isHealthy = async () => (await new Command(args, folder, environment).exitCode()) === 0;
  writeFileSync(
    join(folder, 'elsewhere.yaml'),
    'server: { bind: 127.0.0.1:0, ws-bind: none }\nmetrics: { bind: none }\nstorage: { data-dir: d, wal-dir: w }\nlog: { format: json }\n',
  );
  const broker = new Command(['--config', 'elsewhere.yaml'], folder, environment);
  try {
    await broker.waitFor(/"event":"ready"/);
    expect(await isHealthy()).toBe(true);
    broker.child.kill('SIGTERM');
    await broker.exitCode();
    expect(await isHealthy()).toBe(false);
  } finally {
    broker.child.kill('SIGKILL');
    await broker.exitCode();
    rmSync(folder, { recursive: true });
  }
});

test('Dockerfile: it copies the manifest of every package that the broker is made of', () => {
  const packages = fileURLToPath(new URL('../../packages/', import.meta.url));
  const needed = new Set<string>();
  const collect = (name: string) => {
    if (needed.has(name)) return;
    needed.add(name);
    const manifest = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      if (dependency.startsWith('@promptmq/')) collect(dependency.slice('@promptmq/'.length));
    }
  };
  collect('server');
  for (const name of readdirSync(packages)) {
    if (!existsSync(join(packages, name, 'package.json'))) continue;
    const isCopied = dockerfile.includes(`COPY packages/${name}/package.json packages/${name}/\n`);
    expect([name, isCopied]).toEqual([name, needed.has(name)]);
    // What is left out of the build's context can't be copied.
    if (isCopied) expect(dockerignore).not.toMatch(new RegExp(`^packages/${name}\\b`, 'm'));
  }
});

test.each(DASHBOARDS)(
  '%s: every panel has a title, a unit, a description and a place of its own',
  (name) => {
    const taken = new Map<string, string>();
    for (const { title, description, fieldConfig, targets, gridPos } of dashboardPanels(name)) {
      expect([title, description]).toEqual([title, expect.stringMatching(/\w.{15,}\.$/s)]);
      expect([title, fieldConfig?.defaults.unit]).toEqual([title, expect.stringMatching(/\w/)]);
      expect([title, targets?.length]).toEqual([title, expect.any(Number)]);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, taken.get(`${x},${y}`)]).toEqual([title, undefined]);
          taken.set(`${x},${y}`, title);
        }
      }
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
  },
);

test('dashboard and rules name metrics that the broker has', () => {
  const catalogue = { ...brokerCatalogue, ...nodeCatalogue };
  const isKnown = (name: string) =>
    name in catalogue || name.replace(/_(bucket|sum|count)$/, '') in catalogue;
  const panels = DASHBOARDS.flatMap((name) => dashboardPanels(name));
  const texts = [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    read('prometheus', 'rules.yml'),
  ];
  for (const text of texts) {
    for (const [name] of text.matchAll(/\bpromptmq_\w+/g)) {
      expect([name, isKnown(name)]).toEqual([name, true]);
    }
  }
});

test.each(DASHBOARDS)('%s needs no rules, and no certain name of the job', (name) => {
  for (const { expr } of dashboardPanels(name).flatMap(({ targets = [] }) => targets)) {
    expect(expr).not.toMatch(/promptmq:|job=["']/);
  }
});

test('every alert has a severity, a summary, and cases in alerts.yml that set it off and that do not', () => {
  const { groups } = parse(read('prometheus', 'rules.yml')) as {
    groups: {
      rules: {
        alert?: string;
        labels?: { severity: string };
        annotations?: { summary: string; description: string };
      }[];
    }[];
  };
  const cases = readFileSync(new URL('./alerts.yml', import.meta.url), 'utf8');
  for (const { alert, labels, annotations } of groups.flatMap(({ rules }) => rules)) {
    if (alert === undefined) continue;
    expect([alert, labels?.severity]).toEqual([
      alert,
      expect.stringMatching(/^(warning|critical)$/),
    ]);
    expect(annotations).toEqual({ summary: expect.any(String), description: expect.any(String) });
    expect(cases).toContain(`alertname: ${alert} }`);
    expect(cases).toContain(`alertname="${alert}"`);
  }
});
