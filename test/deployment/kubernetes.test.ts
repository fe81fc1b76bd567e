import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../../packages/server/src/config/index.ts';

const file = fileURLToPath(new URL('../../examples/kubernetes/promptmq.yaml', import.meta.url));

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Labels {
  readonly [name: string]: string;
}

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas: number;
    readonly serviceName: string;
    readonly selector: Labels & { readonly matchLabels: Labels };
    readonly ports: readonly { readonly name: string; readonly targetPort: string }[];
    readonly template: {
      readonly metadata: { readonly labels: Labels; readonly annotations: Labels };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly [Container];
        readonly volumes: readonly { name: string; configMap: { name: string } }[];
      };
    };
    readonly volumeClaimTemplates: readonly { metadata: { name: string } }[];
  };
}

const documents = parseAllDocuments(readFileSync(file, 'utf8'));
const resources = new Map(
  documents.map((document) => {
    const resource = document.toJS() as Resource;
    return [resource.kind, resource];
  }),
);

function get(kind: string): Resource {
  const resource = resources.get(kind);
  if (resource === undefined) throw new Error(`no ${kind}`);
  return resource;
}

const pod = get('StatefulSet').spec.template;
const [container] = pod.spec.containers;

/** The configuration of the ConfigMap, as the broker reads it. */
function configuration() {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-'));
  const path = join(folder, 'promptmq.yaml');
  writeFileSync(path, get('ConfigMap').data['promptmq.yaml'] as string);
  try {
    const loaded = loadConfig({ flags: {}, file: path });
    return loaded.config;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the manifests are YAML without an error or a warning', () => {
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
  expect([...resources.keys()]).toEqual([
    'ConfigMap',
    'StatefulSet',
    'Service',
    'PodDisruptionBudget',
  ]);
});

test('service, disruption budget and StatefulSet choose the pod by its labels', () => {
  const { labels } = pod.metadata;
  expect(get('StatefulSet').spec.selector.matchLabels).toEqual(labels);
  expect(get('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels);
  expect(get('Service').spec.selector).toEqual(labels);
  expect(get('StatefulSet').spec.serviceName).toBe(get('Service').metadata.name);
  expect(get('StatefulSet').spec.replicas).toBe(1);
});

test('the broker listens on the ports that are named', () => {
  const { server, metrics } = configuration();
  const ports = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]));
  expect(server.bind[0]).toMatchObject({ port: ports.get('mqtt') });
  expect(server.wsBind[0]).toMatchObject({ port: ports.get('websocket') });
  expect(metrics.bind[0]).toMatchObject({ port: ports.get('metrics') });
  for (const { targetPort } of get('Service').spec.ports) expect(ports.has(targetPort)).toBe(true);
  const { annotations } = pod.metadata;
  expect(annotations['prometheus.io/port']).toBe(`${ports.get('metrics')}`);
  expect(annotations['prometheus.io/path']).toBe(metrics.path);
});

test('probes ask for what the broker answers', () => {
  const { startupProbe, livenessProbe, readinessProbe } = container;
  for (const { httpGet } of [startupProbe, livenessProbe]) {
    expect(httpGet).toEqual({ path: '/health', port: 'metrics' });
  }
  expect(readinessProbe.httpGet).toEqual({ path: '/ready', port: 'metrics' });
});

test('the state is on the volume, and the pod has the time to close it', () => {
  const { storage, server } = configuration();
  const [claim] = get('StatefulSet').spec.volumeClaimTemplates;
  const mount = container.volumeMounts.find(({ name }) => name === claim?.metadata.name);
  for (const path of [storage.dataDir, storage.walDir]) {
    expect(path.startsWith(`${mount?.mountPath}/`)).toBe(true);
  }
  expect(pod.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(server.shutdownTimeout);
});

test('its configuration is where it looks', () => {
  const volume = pod.spec.volumes.find(
    ({ configMap }) => configMap.name === get('ConfigMap').metadata.name,
  );
  const mount = container.volumeMounts.find(({ name }) => name === volume?.name);
  const [name] = Object.keys(get('ConfigMap').data);
  expect(container.args).toEqual(['--config', `${mount?.mountPath}/${name}`]);
});
