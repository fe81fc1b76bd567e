import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { otherProgram } from '../../packages/cluster/test/support/other-programs.ts';
import { loadConfig, nodeIdOf } from '../../packages/server/src/config/index.ts';
import { dockerFolder } from './prometheus.ts';

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly depends_on?: readonly string[];
  readonly stop_grace_period?: string;
}

/** As who starts it gives them. */
const GIVEN = { PROMPTMQ_CLUSTER_SECRET: 'known to all three nodes', NATS_PASSWORD: 'nats-1f' };

function read(...path: string[]): string {
  return readFileSync(join(dockerFolder, ...path), 'utf8');
}

const text = read('docker-compose.cluster.yml').replace(
  /\$\{(\w+):\?[^}]*\}/g,
  (_, name: keyof typeof GIVEN) => GIVEN[name],
);
const { services, volumes: named } = parse(text, { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};

const servicesOf = (prefix: string) =>
  Object.entries(services).filter(([name]) => new RegExp(`^${prefix}-\\d$`).test(name));
const brokers = servicesOf('promptmq');
const natsServers = servicesOf('nats');
const brokerNames = brokers.map(([name]) => name);

test('three brokers on three servers, and all that is pulled is pinned to a version', () => {
  expect([brokers.length, natsServers.length]).toEqual([3, 3]);
  for (const [name, { image }] of Object.entries(services)) {
    if (!name.startsWith('promptmq-')) expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
  }
});

test('what is mounted, built from and depended on is there', () => {
  for (const { build, volumes, depends_on: others = [] } of Object.values(services)) {
    if (build !== undefined) {
      expect(existsSync(join(dockerFolder, build.context, build.dockerfile))).toBe(true);
    }
    for (const volume of volumes) {
      const [source = '', target] = volume.split(':');
      const isThere = source.startsWith('.')
        ? existsSync(join(dockerFolder, source))
        : source in named;
      expect([volume, isThere, target?.startsWith('/')]).toEqual([volume, true, true]);
    }
    for (const other of others) expect(Object.keys(services)).toContain(other);
  }
  // Each has a disk of its own.
  const disks = [...brokers, ...natsServers].map(([, { volumes }]) => volumes.at(-1));
  expect(new Set(disks).size).toBe(6);
});

test('only HAProxy takes connections from other machines', () => {
  for (const [name, { ports = [] }] of Object.entries(services)) {
    for (const port of ports) {
      const isLocal = port.startsWith('127.0.0.1:');
      expect([name, port, isLocal || name === 'haproxy']).toEqual([name, port, true]);
    }
  }
});

test('each broker has a configuration that it takes, and is a node of the same cluster under a name of its own', () => {
  const file = join(dockerFolder, 'cluster', 'promptmq.yaml');
  const fingerprints = new Set<string>();
  for (const [name, { environment = {}, volumes, command, stop_grace_period }] of brokers) {
    const { config } = loadConfig({ flags: {}, file, environment });
    const { cluster, server } = config;
    expect([cluster.enabled, nodeIdOf(config)]).toEqual([true, name]);
    expect(cluster.advertise).toMatchObject([{ host: name, port: 7000 }]);
    expect(cluster.engineUrl).toEqual(natsServers.map(([server]) => `nats://${server}:4222`));
    expect(cluster.engineMonitors).toEqual(natsServers.map(([server]) => `http://${server}:8222`));
    expect(cluster.engineCredentials).toBe(`promptmq:${GIVEN.NATS_PASSWORD}`);
    expect(volumes[0]).toBe(`./cluster/promptmq.yaml:${command?.[1]}:ro`);
    expect(Number.parseInt(stop_grace_period ?? '', 10) * 1000).toBeGreaterThan(
      server.shutdownTimeout,
    );
    const { nodeId: _, advertise: __, ...same } = cluster;
    fingerprints.add(JSON.stringify(same));
  }
  expect(fingerprints.size).toBe(1);
});

test('HAProxy, Prometheus and the servers of NATS name each other as they are called', () => {
  const haproxy = read('cluster', 'haproxy.cfg');
  for (const port of [1883, 8080]) {
    const named = [...haproxy.matchAll(/^ {2}server \S+ ([\w-]+):(\d+) send-proxy-v2$/gm)]
      .filter(([, , found]) => Number(found) === port)
      .map(([, host]) => host);
    expect(named).toEqual(brokerNames);
    expect(haproxy).toMatch(new RegExp(`^ {2}bind :${port}$`, 'm'));
  }
  const prometheus = parse(read('cluster', 'prometheus.yml')) as {
    rule_files: string[];
    scrape_configs: { static_configs: { targets: string[] }[] }[];
  };
  expect(prometheus.scrape_configs[0]?.static_configs).toEqual([
    { targets: brokerNames.map((name) => `${name}:9090`) },
  ]);
  expect(prometheus.rule_files).toEqual(['rules.yml']);
  for (const [name, { command }] of natsServers) {
    expect(read('cluster', 'nats.conf')).toContain(`nats://${name}:6222`);
    expect(command).toContain(name);
  }
});

const { missing, command: natsServer } = otherProgram('nats-server');
if (missing !== null) test.skip(`nats-server: ${missing}`, () => {});
else {
  test('NATS takes its configuration, which has it sync before it acknowledges', () => {
    const [program = '', ...args] = natsServer;
    const file = join(dockerFolder, 'cluster', 'nats.conf');
    const { status, stderr } = spawnSync(program, [...args, '-t', '-c', file], {
      encoding: 'utf8',
      env: { ...process.env, NATS_PASSWORD: GIVEN.NATS_PASSWORD },
    });
    expect([status, stderr]).toEqual([0, expect.stringContaining('is valid')]);
    expect(read('cluster', 'nats.conf')).toMatch(/^ {2}sync_interval: always$/m);
  });
}
