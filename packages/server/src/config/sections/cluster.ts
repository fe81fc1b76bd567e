import { hostname } from 'node:os';
import { z } from 'zod';
import {
  type Address,
  addresses,
  choice,
  duration,
  flag,
  integer,
  list,
  pathOrNone,
  size,
  text,
  valueKinds,
} from '../values/units.ts';

const MEBIBYTE = 1024 ** 2;
const GIGABYTE = 1_000_000_000;
const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;

/** What a broker without a name of its own is called. */
const NODE_ID_DEFAULT = 'promptmq';

/** What names in the engine's map consist of. */
const NOT_IN_NAMES = /[^A-Za-z0-9_.-]/g;
const NODE_ID = /^[A-Za-z0-9_.-]{0,64}$/;
const CLIENT_URL = /^(mqtts?|wss?):\/\/(\[[0-9A-Fa-f:.]+\]|[^\s/:]+):\d{1,5}$/;
const CLUSTER_NAME = /^[a-z0-9]{1,32}$/;

/** Characters of the secret of links at least: whoever knows it may be a node. */
export const CLUSTER_SECRET_LENGTH = 16;

interface NamedNode {
  readonly cluster: { readonly enabled: boolean; readonly nodeId: string };
}

/** The name of a node among those of its cluster: that of the machine, unless it has one of its own. */
export function nodeIdOf({ cluster }: NamedNode): string {
  if (cluster.nodeId !== '') return cluster.nodeId;
  if (!cluster.enabled) return NODE_ID_DEFAULT;
  return hostname().replace(NOT_IN_NAMES, '-').slice(0, 64) || NODE_ID_DEFAULT;
}

/**
 * The name of a broker among others, such as `promptmq@127.0.0.1`: as EMQX has them, a name and an address.
 */
export function nodeName(config: NamedNode): string {
  return `${nodeIdOf(config)}@127.0.0.1`;
}

/** Several nodes that are one broker. */
export const clusterSection = z
  .strictObject({
    enabled: flag()
      .prefault(false)
      .describe('whether this broker is a node of a cluster')
      .meta({ restart: true }),
    nodeId: text(64)
      .refine((id) => NODE_ID.test(id), 'letters, digits, "-", "_" and ".", at most 64')
      .register(valueKinds, { kind: 'text', lengthMax: 64 })
      .prefault('')
      .describe('name of this node among the others; without one, that of the machine')
      .meta({ restart: true }),
    name: text(32)
      .refine((name) => CLUSTER_NAME.test(name), 'small letters and digits, from 1 to 32')
      .register(valueKinds, { kind: 'text', lengthMax: 32 })
      .prefault('promptmq')
      .describe('name of the cluster: what it has in the engine is named by it')
      .meta({ restart: true }),
    engine: choice('nats', 'postgres')
      .prefault('nats')
      .describe(
        'what keeps the logs of all cells and says which node serves which: NATS with JetStream, or PostgreSQL',
      )
      .meta({ restart: true }),
    engineUrl: list(100)
      .prefault(['nats://127.0.0.1:4222'])
      .describe(
        "addresses of the engine's servers, such as nats://10.0.0.1:4222 or postgres://10.0.0.1:5432/promptmq",
      )
      .meta({ restart: true }),
    engineCredentials: text(4096)
      .prefault('')
      .describe('USER:PASSWORD for the engine, or a token of NATS; better given by the environment')
      .meta({ restart: true, secret: true }),
    engineSync: choice('verified', 'assumed')
      .prefault('verified')
      .describe(
        'whether the servers of the engine are asked if they sync before they acknowledge, and refused if not, or the operator vouches for it',
      )
      .meta({ restart: true }),
    engineMonitors: list(100)
      .prefault([])
      .describe(
        'monitoring addresses of all servers of NATS, such as http://10.0.0.1:8222: where they are asked for cluster.engine-sync, unless cluster.engine-system-credentials are given',
      )
      .meta({ restart: true }),
    engineSystemCredentials: text(4096)
      .prefault('')
      .describe(
        "USER:PASSWORD of a user of NATS's system account, or a token: how the servers are asked for cluster.engine-sync",
      )
      .meta({ restart: true, secret: true }),
    durability: choice('replicated', 'node')
      .prefault('replicated')
      .describe(
        'where what is acknowledged is. replicated: in the engine as well, so that another node goes on with it; node: on the disk of one node alone, whose clients wait until it is back. Set when the cluster is made, and the same for ever',
      )
      .meta({ restart: true }),
    onNodeLoss: choice('wait', 'reset')
      .prefault('wait')
      .describe(
        'with durability node, what a node does whose disk lacks the log of a cell: wait for it, or begin it empty, without what was acknowledged',
      ),
    cells: integer(1, 64)
      .prefault(6)
      .describe(
        'parts that clients and topics fall into, each served by one process: set when the cluster is made, and the same for ever',
      )
      .meta({ restart: true }),
    replicas: integer(1, 5)
      .prefault(3)
      .describe(
        'servers of the engine that keep a copy of each log: 3 or 5; 1, where one that is lost takes all with it, is for tests',
      )
      .meta({ restart: true }),
    bind: addresses()
      .prefault('none')
      .describe(
        'where this node takes links of the others, as HOST:PORT: cell N takes them at PORT + N, and the node itself at the two ports after these; only other nodes have to reach these ports',
      )
      .meta({ restart: true }),
    advertise: addresses()
      .prefault('none')
      .describe(
        'where others reach cluster.bind, as HOST:PORT; none: it is the same. Needed where cluster.bind has no host of its own',
      )
      .meta({ restart: true }),
    secret: text(1024)
      .prefault('')
      .describe(
        'what only the nodes know, at least 16 characters, the same for all; better given by the environment',
      )
      .meta({ restart: true, secret: true }),
    tls: z
      .strictObject({
        cert: pathOrNone()
          .prefault(null)
          .describe(
            "file with this node's certificate for links, as PEM: shown by both sides of each, which are encrypted then. None: links are not, and cluster.secret says who may link",
          )
          .meta({ restart: true }),
        key: pathOrNone()
          .prefault(null)
          .describe("file with the certificate's private key, as PEM")
          .meta({ restart: true }),
        ca: pathOrNone()
          .prefault(null)
          .describe(
            'file with the certificates that sign those of nodes, as PEM: of an authority that signs for the nodes of this cluster and for nobody else',
          )
          .meta({ restart: true }),
      })
      .prefault({}),
    peers: list(100)
      .prefault([])
      .describe(
        'names of the nodes that may take part, and whose processes may link; empty: all that know cluster.secret',
      )
      .meta({ restart: true }),
    serverReference: flag()
      .prefault(false)
      .describe(
        'whether clients of MQTT 5 whose cell is on another node are answered with its address (0x9C, Server Reference) instead of being passed on. They have to know what to do with it, and need no user to be told',
      ),
    advertiseClients: list(16)
      .refine(
        (urls) => urls.every((url) => CLIENT_URL.test(url)),
        'addresses such as mqtt://10.0.0.1:1883 or wss://one.example.com:443',
      )
      .prefault([])
      .describe(
        'where clients reach this node, for cluster.server-reference and commands, such as mqtts://one.example.com:8883; empty: where its listeners are, of which those without a host of their own are no use to others',
      )
      .meta({ restart: true }),
    heartbeat: duration(100, 60 * SECOND_MS)
      .prefault('1s')
      .describe('how often a node says that it is there')
      .meta({ restart: true }),
    lateAfter: duration(500, HOUR_MS)
      .prefault('4s')
      .describe('how long a node may say nothing, while others can, before they serve its cells')
      .meta({ restart: true }),
    holdTime: duration(SECOND_MS, HOUR_MS)
      .prefault('15s')
      .describe(
        'how long a node without the engine takes clients as before: longer than an election of the engine takes. Then it refuses CONNECT',
      )
      .meta({ restart: true }),
    fenceTime: duration(SECOND_MS, HOUR_MS)
      .prefault('30s')
      .describe('how long a node without the engine keeps its clients: then it closes them')
      .meta({ restart: true }),
    connectPatience: duration(0, HOUR_MS)
      .prefault('10s')
      .describe(
        'how long CONNECT waits for the cell of its client, if no node serves that: then it is refused (0x88)',
      ),
    subscribePatience: duration(100, HOUR_MS)
      .prefault('5s')
      .describe(
        'how long SUBSCRIBE waits for another cell, also of a worker, to know of it: then it is refused (0x80)',
      )
      .meta({ restart: true }),
    maxBacklog: size(1, 1_000_000 * GIGABYTE)
      .prefault('1GB')
      .describe(
        'bytes that may wait for another cell, as a worker that is away: messages of QoS 1 and 2 that are for it are refused beyond',
      ),
    snapshotInterval: size(MEBIBYTE, 1000 * GIGABYTE)
      .prefault('256MB')
      .describe(
        "bytes of its log after which a cell's state is written to it: about what another node has to read to serve it",
      )
      .meta({ restart: true }),
    logMax: size(16 * MEBIBYTE, 1_000_000 * GIGABYTE)
      .prefault('4GB')
      .describe(
        'size of the log of a cell in the engine; beyond, messages are refused until some of it can go',
      )
      .meta({ restart: true }),
    appendSize: size(1024, 4 * MEBIBYTE)
      .prefault('512KiB')
      .describe('bytes that are appended to the log in the engine at a time')
      .meta({ restart: true }),
    appendWindow: integer(1, 16)
      .prefault(1)
      .describe('how many of these may be under way at once')
      .meta({ restart: true }),
  })
  .prefault({});

type ClusterSection = z.output<typeof clusterSection>;

interface ClusterProblem {
  readonly key: string;
  readonly message: string;
}

/** What is wrong with the values together, by key. */
export function clusterProblems({
  cluster,
  server,
  storage,
}: {
  readonly cluster: ClusterSection;
  readonly server: { readonly workers: number | 'auto' };
  readonly storage: { readonly enabled: boolean };
}): ClusterProblem[] {
  if (!cluster.enabled) return [];
  const problems = addressProblems(cluster);
  const refuse = (key: string, message: string) =>
    problems.push({ key: `cluster.${key}`, message });
  const { secret, engineUrl, replicas, nodeId, peers, durability, onNodeLoss } = cluster;
  if (secret.length < CLUSTER_SECRET_LENGTH) {
    const needed = `one of at least ${CLUSTER_SECRET_LENGTH} characters`;
    refuse('secret', `a node of a cluster needs ${needed}`);
  }
  const { cert, key, ca } = cluster.tls;
  for (const [name, path] of Object.entries({ cert, key, ca })) {
    const isPart = [cert, key, ca].some((one) => one !== null);
    if (isPart && path === null) {
      refuse(`tls.${name}`, 'it is needed, too: cert, key and ca belong together');
    }
  }
  if (engineUrl.length === 0) refuse('engine-url', 'it needs an address');
  if (replicas % 2 === 0) refuse('replicas', 'it takes 1, 3 or 5');
  if (peers.length > 0 && nodeId !== '' && !peers.includes(nodeId)) {
    refuse('peers', `this node, ${nodeId}, is not among them`);
  }
  if (durability === 'node' && peers.length === 0) {
    const why = 'each has its share of the cells for ever';
    refuse('peers', `with cluster.durability: node it takes the names of all nodes: ${why}`);
  }
  if (durability !== 'node' && onNodeLoss === 'reset') {
    refuse('on-node-loss', 'it is for cluster.durability: node; else another node has the log');
  }
  if (cluster.fenceTime < cluster.holdTime) {
    refuse('fence-time', 'it takes at least cluster.hold-time');
  }
  if (cluster.lateAfter < 2 * cluster.heartbeat) {
    refuse('late-after', 'it takes at least twice cluster.heartbeat');
  }
  if (!storage.enabled) refuse('enabled', 'a node of a cluster needs storage.enabled');
  if (server.workers !== 1) {
    const why = 'a node of a cluster has a process for each cell';
    refuse('enabled', `${why}: server.workers has to be 1`);
  }
  return problems;
}

function addressProblems({ bind, advertise, cells }: ClusterSection): ClusterProblem[] {
  const problems: ClusterProblem[] = [];
  const refuse = (key: string, message: string) =>
    problems.push({ key: `cluster.${key}`, message });
  const [first] = bind;
  if (bind.length !== 1 || first?.kind !== 'tcp') {
    refuse('bind', 'a node of a cluster needs one HOST:PORT');
  } else {
    if (first.port === 0 || first.port + cells + 1 > 65_535) {
      refuse('bind', `it takes a port of which the ${cells + 2} from there on can be used`);
    }
    if (isWildcard(first.host) && advertise.length === 0) {
      refuse('advertise', 'it is needed: cluster.bind has no host that others could reach');
    }
  }
  if (advertise.length > 1 || advertise.some((one) => !isReachable(one))) {
    refuse('advertise', 'it takes one HOST:PORT');
  }
  return problems;
}

function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}

function isReachable(address: Address): boolean {
  return address.kind === 'tcp' && address.host !== '' && address.port !== 0;
}
