import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/free-port.ts';
import type { ChaosSystem } from '../chaos-system.ts';
import { Program } from '../program.ts';
import { nodeFaults } from './node-faults.ts';

const SIZE = 3;

/** Where Debian's package has them. */
const BIN = '/usr/lib/rabbitmq/bin';

/** RabbitMQ's MQTT: three nodes, a quorum queue for each stored session. It has no QoS 2. */
export async function rabbitmqSystem(folder: string): Promise<ChaosSystem> {
  if (!existsSync(join(BIN, 'rabbitmq-server'))) {
    throw new Error(
      'RabbitMQ is not there: apt-get install --no-install-recommends rabbitmq-server',
    );
  }
  const epmd = await freePort();
  const ports = await Promise.all(Array.from({ length: 3 * SIZE }, freePort));
  const names = Array.from({ length: SIZE }, (_, index) => `chaos${index + 1}@localhost`);
  const environments = names.map((name, index) => {
    const own = join(folder, `r${index + 1}`);
    mkdirSync(own, { recursive: true });
    const config = join(own, 'rabbitmq.conf');
    const [amqp, distribution, mqtt] = [0, 1, 2].map((kind) => `${ports[kind * SIZE + index]}`);
    writeFileSync(
      config,
      `listeners.tcp.1 = 127.0.0.1:${amqp}
mqtt.listeners.tcp.1 = 127.0.0.1:${mqtt}
mqtt.allow_anonymous = true
mqtt.durable_queue_type = quorum
cluster_partition_handling = pause_minority
cluster_formation.peer_discovery_backend = classic_config
${names.map((node, number) => `cluster_formation.classic_config.nodes.${number + 1} = ${node}`).join('\n')}
`,
    );
    const plugins = join(own, 'enabled_plugins');
    writeFileSync(plugins, '[rabbitmq_mqtt].\n');
    return {
      HOME: folder,
      RABBITMQ_NODENAME: name,
      RABBITMQ_CONFIG_FILE: config,
      RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
      RABBITMQ_MNESIA_BASE: own,
      RABBITMQ_LOG_BASE: own,
      RABBITMQ_DIST_PORT: distribution as string,
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      ERL_EPMD_PORT: `${epmd}`,
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    };
  });
  writeFileSync(join(folder, '.erlang.cookie'), 'chaos', { mode: 0o400 });
  // One for all, so that it doesn't end with the node that starts it.
  const mapper = new Program(['epmd', '-port', `${epmd}`], join(folder, 'epmd.log'), {
    ERL_EPMD_ADDRESS: '127.0.0.1',
  });
  const nodes = environments.map(
    (environment, index) =>
      new Program(
        [join(BIN, 'rabbitmq-server')],
        join(folder, `r${index + 1}`, 'output.log'),
        environment,
      ),
  );

  async function untilWell(signal?: AbortSignal): Promise<void> {
    for (const port of ports.slice(2 * SIZE)) {
      while (!(await isOpen(port)) && signal?.aborted !== true) await sleep(200);
    }
  }

  return {
    name: 'RabbitMQ MQTT, quorum queues',
    ports: ports.slice(2 * SIZE),
    maximumQoS: 1,
    versions: [4],
    faults: nodeFaults(nodes),
    programs: { brokers: nodes },
    async start() {
      mapper.start();
      // One after the other: else each may found a cluster of its own.
      for (const [index, node] of nodes.entries()) {
        node.start();
        while (!(await isOpen(ports[2 * SIZE + index] as number))) {
          if (!node.isRunning) throw new Error(`a node ended:\n${node.tail()}`);
          await sleep(200);
        }
      }
      const { stdout, stderr } = spawnSync(
        join(BIN, 'rabbitmqctl'),
        ['cluster_status', '--formatter', 'json'],
        { env: { ...process.env, ...environments[0] }, encoding: 'utf8' },
      );
      const status = JSON.parse(stdout || '{}') as { readonly running_nodes?: readonly string[] };
      if (status.running_nodes?.length !== SIZE) throw new Error(`no cluster: ${stdout}${stderr}`);
    },
    untilWell,
    whatEnded: () => null,
    async stop() {
      await Promise.all(nodes.map((node) => node.kill()));
      await mapper.kill();
    },
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
