import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../packages/server/src/config/index.ts';

const folder = fileURLToPath(new URL('../../examples/kubernetes/cluster', import.meta.url));
const SECRETS = 'cluster-secret=known to all three nodes\nnats-password=nats-1f\n';

interface Port {
  readonly name?: string;
  readonly port: number;
  readonly endPort?: number;
  readonly targetPort?: string;
  readonly containerPort: number;
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly key: string } };
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly Variable[];
  readonly ports: readonly Port[];
  readonly readinessProbe: { readonly httpGet: { readonly path: string } };
  readonly livenessProbe: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly replicas: number;
    readonly serviceName: string;
    readonly clusterIP?: string;
    readonly publishNotReadyAddresses?: boolean;
    readonly maxUnavailable: number;
    readonly selector: Readonly<Record<string, unknown>>;
    readonly podSelector: Readonly<Record<string, unknown>>;
    readonly ports: readonly Port[];
    readonly ingress: readonly { readonly from?: unknown; readonly ports?: readonly Port[] }[];
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly affinity: { readonly podAntiAffinity: Readonly<Record<string, unknown>> };
        readonly containers: readonly [Container];
      };
    };
  };
}

const kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly files: string[] }[];
  readonly secretGenerator: readonly { readonly name: string; readonly envs: string[] }[];
};
const documents = kustomization.resources.flatMap((name) =>
  parseAllDocuments(readFileSync(join(folder, name), 'utf8')),
);
const resources = documents.map((document) => document.toJS() as Resource);

function get(kind: string, name: string): Resource {
  const found = resources.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

const nodes = get('StatefulSet', 'promptmq').spec;
const nats = get('StatefulSet', 'nats').spec;

/** The configuration of a pod, as the broker reads it. */
function configOf(pod: string) {
  const [{ env }] = nodes.template.spec.containers;
  const secrets = new Map(SECRETS.split('\n').map((line) => line.split('=') as [string, string]));
  const environment: Record<string, string> = {};
  for (const { name, value, valueFrom } of env) {
    const given = valueFrom?.secretKeyRef
      ? (secrets.get(valueFrom.secretKeyRef.key) as string)
      : (value ?? pod);
    environment[name] = given.replace(/\$\((\w+)\)/g, (_, other) => environment[other] as string);
  }
  const file = join(folder, 'files', 'promptmq.yaml');
  return loadConfig({ flags: {}, file, environment }).config;
}

test('all is YAML without an error or a warning, and what it is made of is there', () => {
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
  for (const { files } of kustomization.configMapGenerator) {
    for (const file of files) expect(existsSync(join(folder, file))).toBe(true);
  }
  const [{ envs = [] } = {}] = kustomization.secretGenerator;
  expect(readFileSync(join(folder, '.gitignore'), 'utf8').trim()).toBe(envs[0]);
});

test.each(['promptmq-0', 'promptmq-1', 'promptmq-2'])('%s is a node, under its name', (pod) => {
  const { cluster, server, storage } = configOf(pod);
  expect(cluster).toMatchObject({ enabled: true, nodeId: pod });
  expect(cluster.secret).toBe('known to all three nodes');
  expect(cluster.engineCredentials).toBe('promptmq:nats-1f');
  expect(cluster.advertise).toMatchObject([{ host: `${pod}.${nodes.serviceName}`, port: 7000 }]);
  const { terminationGracePeriodSeconds, containers } = nodes.template.spec;
  expect(terminationGracePeriodSeconds * 1000).toBeGreaterThan(server.shutdownTimeout);
  const data = containers[0].volumeMounts.find(({ name }) => name === 'data')?.mountPath;
  for (const path of [storage.dataDir, storage.walDir]) expect(path).toMatch(`${data}/`);
});

test('nodes find the servers of NATS and each other by the names of their pods, also before they are ready', () => {
  const { cluster } = configOf('promptmq-0');
  const pods = Array.from({ length: nats.replicas }, (_, n) => `nats-${n}.${nats.serviceName}`);
  expect(cluster.engineUrl).toEqual(pods.map((pod) => `nats://${pod}:4222`));
  expect(cluster.engineMonitors).toEqual(pods.map((pod) => `http://${pod}:8222`));
  const config = readFileSync(join(folder, 'files', 'nats.conf'), 'utf8');
  for (const pod of pods) expect(config).toContain(`nats://${pod}:6222`);
  expect(config).toMatch(/^ {2}sync_interval: always$/m);
  for (const { serviceName } of [nodes, nats]) {
    const { spec } = get('Service', serviceName);
    expect([spec.clusterIP, spec.publishNotReadyAddresses]).toEqual(['None', true]);
  }
});

test('links may be reached by nodes only, at the ports that they use', () => {
  const { cluster } = configOf('promptmq-0');
  const [address] = cluster.bind;
  const { ingress } = get('NetworkPolicy', 'promptmq').spec;
  const [clients, links] = ingress;
  const first = address?.kind === 'tcp' ? address.port : 0;
  expect(links?.ports).toEqual([{ port: first, endPort: first + cluster.cells + 1 }]);
  expect(links?.from).toEqual([{ podSelector: { matchLabels: nodes.template.metadata.labels } }]);
  const open = nodes.template.spec.containers[0].ports.map(({ containerPort }) => containerPort);
  expect(clients?.ports?.map(({ port }) => port)).toEqual(open);
});

test('no two of a kind are on one machine, and one at a time may be taken away', () => {
  for (const name of ['promptmq', 'nats']) {
    const { spec } = get('StatefulSet', name);
    const { labels } = spec.template.metadata;
    expect(spec.replicas).toBe(3);
    expect(spec.template.spec.affinity.podAntiAffinity).toEqual({
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } },
      ],
    });
    expect(get('PodDisruptionBudget', name).spec).toEqual({
      maxUnavailable: 1,
      selector: { matchLabels: labels },
    });
    expect(spec.selector).toEqual({ matchLabels: labels });
    expect(get('NetworkPolicy', name).spec.podSelector).toEqual({ matchLabels: labels });
  }
});

test('a node is ready by what it says, and restarted only when nobody answers', () => {
  const [{ readinessProbe, livenessProbe }] = nodes.template.spec.containers;
  expect(readinessProbe.httpGet.path).toBe('/ready');
  expect(livenessProbe).toMatchObject({ tcpSocket: { port: 'metrics' } });
});

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
if (!hasKubectl) test.skip('kubectl is not there', () => {});
else {
  test('kubectl makes of it what is applied, with the secrets and configurations by the names that they get', () => {
    const copy = mkdtempSync(join(tmpdir(), 'promptmq-kustomize-'));
    try {
      cpSync(folder, copy, { recursive: true });
      writeFileSync(join(copy, 'secrets.env'), SECRETS);
      const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', copy], {
        encoding: 'utf8',
      });
      expect([status, stderr]).toEqual([0, '']);
      const kinds = parseAllDocuments(stdout).map((document) => (document.toJS() as Resource).kind);
      expect(kinds.filter((kind) => kind === 'ConfigMap')).toHaveLength(2);
      expect(kinds.filter((kind) => kind === 'Secret')).toHaveLength(1);
      expect(stdout).not.toMatch(/name: promptmq-secrets$/m);
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
}
