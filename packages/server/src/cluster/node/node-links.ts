import { connect } from 'node:net';
import {
  type DirectoryNode,
  decodeWitnesses,
  encodeWitnesses,
  FrameType,
  LINK_DEFAULTS,
  type LinkAddress,
  LinkNode,
  LinkSet,
  type LinkTls,
  type Reach,
  type Witness,
} from '@promptmq/cluster';
import type { Logger } from '../../log/index.ts';
import type { LinkBytes, ObservedLinks } from '../../observability/links/link-metrics.ts';
import { nodeRuntime } from '../../runtime/runtime.ts';
import { LinkFailures } from '../links/link-failures.ts';
import { LinkMeter } from '../links/link-meter.ts';

/** What the names of nodes begin with on links: their processes have other ones. */
const PREFIX = 'node-';

/** How often nodes without a link are asked whether anybody listens there, in a heartbeat. */
const PROBES = 4;

const NOTHING: readonly string[] = [];

export interface NodeLinksOptions {
  /** The name of this node. */
  readonly node: string;
  readonly log: Logger;
  readonly cluster: string;
  readonly secret: string;
  /** How many cells the cluster has. */
  readonly cells: number;
  /** The nodes that may take part; empty where all may. */
  readonly peers: readonly string[];
  /** Certificates, asked for each link; null: without. */
  readonly tls: (() => LinkTls) | null;
  readonly heartbeatMs: number;
  /** A link is over when nothing has come for so long. */
  readonly silentMs: number;
  /** What is known of how far cells were, and is told to others. */
  readonly witness: {
    all(): readonly Witness[];
    of(cell: number): Witness | null;
    note(witness: Witness): void;
  };
  /** Whether the engine answers this node. */
  readonly hasEngine: () => boolean;
  /** What is found out about the others, whenever it has changed. */
  readonly onReach: (reach: Reach) => void;
}

/** What a node says of itself over these links. */
interface NodeState {
  readonly hasEngine: boolean;
}

/**
 * The links that nodes have to each other besides those of their processes: so each knows which others it reaches, whether the engine answers
 * them, and which are no more.
 */
export class NodeLinks implements ObservedLinks {
  readonly #options: NodeLinksOptions;
  readonly #links: LinkSet;
  readonly #node: LinkNode;
  readonly #failures = new LinkFailures();
  readonly #meter: LinkMeter;
  #others: readonly DirectoryNode[] = [];
  /** Those that say that the engine doesn't answer them. */
  readonly #withoutEngine = new Set<string>();
  /** Those at whose address nobody listens. */
  readonly #refused = new Set<string>();
  readonly #probed = new Set<string>();
  #reachText = '';
  #timer: NodeJS.Timeout;

  constructor(options: NodeLinksOptions) {
    const { node, log, cluster, secret, silentMs, heartbeatMs, peers, tls } = options;
    this.#options = options;
    this.#links = new LinkSet((error, link) =>
      log.error('link-broken', { node: link.peer.node, why: String(error) }),
    );
    this.#meter = new LinkMeter(this.#links, ({ owner, node: name }) => owner ?? name);
    this.#links.handle([FrameType.nodeState], (link, body) => {
      const { hasEngine } = JSON.parse(Buffer.from(body).toString()) as NodeState;
      if (hasEngine) this.#withoutEngine.delete(link.peer.node);
      else this.#withoutEngine.add(link.peer.node);
      this.#look();
    });
    this.#links.handle([FrameType.witness, FrameType.epoch], (link, body) => {
      for (const one of decodeWitnesses(body, options.cells)) {
        options.witness.note(one);
        const known = options.witness.of(one.cell);
        // It speaks of an owner that is deposed, and may believe in it.
        if (known === null || known.epoch <= one.epoch) continue;
        link.send(FrameType.epoch, encodeWitnesses([known]));
      }
    });
    this.#links.follow({
      onUp: (link) => {
        link.send(FrameType.witness, encodeWitnesses(options.witness.all()));
        this.#failures.forget(link.peer.node);
        link.send(FrameType.nodeState, this.#state());
        this.#look();
      },
      onDown: ({ peer }) => {
        this.#withoutEngine.delete(peer.node);
        this.#look();
        this.#probe();
      },
    });
    const incarnation = nodeRuntime.uniqueId();
    this.#node = new LinkNode(this.#links, {
      ...LINK_DEFAULTS,
      ...{ clock: nodeRuntime, cluster, secret, silentMs, peers, ...(tls === null ? {} : { tls }) },
      ...{ pingMs: silentMs / 8, handshakeMs: silentMs, redialMs: 50, redialMsMax: 500 },
      self: () => ({ node: `${PREFIX}${node}`, incarnation, cells: [], owner: node }),
      admit: ({ node: other }) => (other.startsWith(PREFIX) ? null : `${other} is no node`),
      onFailed: (where, error) => this.#failures.note(where, error, log),
    });
    this.#timer = setInterval(() => this.#tick(), heartbeatMs / PROBES);
  }

  /** @throws the system's error when it can't listen there */
  listen(address: LinkAddress): Promise<void> {
    return this.#node.listen(address);
  }

  // ----------------------------------------------------------------- what is shown

  /** Of nodes that are alive: to one that is late there can be none. */
  get up(): readonly (readonly [node: string, isUp: boolean])[] {
    const alive = this.#others.filter(({ isAlive }) => isAlive);
    return alive.map(({ id }) => [id, this.#isReached(id)]);
  }

  get roundTrips(): ReadonlyMap<string, number> {
    return this.#meter.roundTrips;
  }

  get bytes(): readonly LinkBytes[] {
    return this.#meter.bytes;
  }

  get refused(): number {
    return this.#failures.refused;
  }

  // ------------------------------------------------------------------------ links

  /** These nodes there are, and where. */
  follow(nodes: readonly DirectoryNode[]): void {
    const { node } = this.#options;
    const others = nodes.filter(({ id }) => id !== node);
    for (const { id } of this.#others) {
      if (others.some((other) => other.id === id)) continue;
      this.#node.forget(`${PREFIX}${id}`);
      this.#refused.delete(id);
    }
    this.#others = others;
    for (const { id, address } of others) {
      // Of two nodes the one with the later name dials.
      if (address !== null && id < node) this.#node.dial(`${PREFIX}${id}`, address);
    }
    this.#look();
  }

  /** Tells all others how far cells are. */
  tell(witnesses: readonly Witness[]): void {
    const body = encodeWitnesses(witnesses);
    for (const link of this.#links.all) link.send(FrameType.witness, body);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#node.stop();
  }

  #state(): Uint8Array {
    const state: NodeState = { hasEngine: this.#options.hasEngine() };
    return Buffer.from(JSON.stringify(state));
  }

  #tick(): void {
    const state = this.#state();
    for (const link of this.#links.all) link.send(FrameType.nodeState, state);
    this.#probe();
  }

  /** Asks of each node without a link whether anybody listens there. */
  #probe(): void {
    for (const { id, address } of this.#others) {
      if (address === null || this.#isReached(id)) {
        this.#refused.delete(id);
        continue;
      }
      if (this.#probed.has(id)) continue;
      this.#probed.add(id);
      const socket = connect(address);
      const onDone = (isRefused: boolean) => {
        socket.destroy();
        this.#probed.delete(id);
        if (isRefused && !this.#isReached(id)) this.#refused.add(id);
        else this.#refused.delete(id);
        this.#look();
      };
      socket.setTimeout(this.#options.silentMs, () => onDone(false));
      socket.once('connect', () => onDone(false));
      socket.once('error', ({ code }: NodeJS.ErrnoException) => onDone(code === 'ECONNREFUSED'));
    }
  }

  #isReached(id: string): boolean {
    return this.#links.of(`${PREFIX}${id}`) !== null;
  }

  #look(): void {
    const ids = this.#others.map(({ id }) => id);
    const reaches = ids.filter((id) => this.#isReached(id));
    const reach: Reach = {
      reaches,
      refused: this.#refused.size === 0 ? NOTHING : ids.filter((id) => this.#refused.has(id)),
      withoutEngine: reaches.filter((id) => this.#withoutEngine.has(`${PREFIX}${id}`)),
    };
    const text = JSON.stringify(reach);
    if (text === this.#reachText) return;
    this.#reachText = text;
    this.#options.onReach(reach);
  }
}
