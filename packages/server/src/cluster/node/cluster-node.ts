import { join } from 'node:path';
import {
  type ClusterEngine,
  type Directory,
  EngineError,
  type EngineLoss,
  type LinkAddress,
  MEMBER_LEVEL,
  Member,
  type MemberState,
  type MembershipEvent,
  type MembershipHost,
  type StateReason,
} from '@promptmq/cluster';
import { nodeClock } from '@promptmq/wal';
import { type Address, type Config, nodeIdOf } from '../../config/index.ts';
import type { Logger } from '../../log/index.ts';
import type { ObservedLinks } from '../../observability/links/link-metrics.ts';
import { nodeRuntime } from '../../runtime/runtime.ts';
import { version } from '../../version.ts';
import { WorkerProcesses } from '../admin-processes.ts';
import { isLostLog } from '../cell/lost-log.ts';
import { LostLogs } from '../cell/lost-logs.ts';
import { LinkCertificates } from '../links/link-certificates.ts';
import { RestartDelays } from '../restart-delays.ts';
import { spareCountOf } from '../spare-count.ts';
import {
  adminSocket,
  type CellPlace,
  type WorkerLabel,
  type WorkerListener,
} from '../worker-messages.ts';
import { type WorkerEnd, WorkerPool, type WorkerPoolOptions } from '../worker-pool.ts';
import { Agreement } from './agreement.ts';
import { CellDoor } from './cell-door.ts';
import { CellProcesses } from './cell-processes.ts';
import { ClusterProcesses, doorPort } from './cluster-processes.ts';
import { comparedSettings } from './compared-settings.ts';
import { logMembership } from './membership-lines.ts';
import { NodeLinks } from './node-links.ts';
import type { ObservedNode } from './node-metrics.ts';
import { NodeWitness } from './node-witness.ts';

/** Between attempts to reach the engine at the start, in milliseconds. */
const ENGINE_RETRY_MS = 1000;

/** How long giving all cells away may take at the stop, in milliseconds; what is left others claim. */
const LEAVE_MS = 20_000;

export interface ClusterNodeOptions
  extends Pick<WorkerPoolOptions, 'log' | 'isColoured' | 'writeLine' | 'stopMs' | 'changeUsers'> {
  readonly config: Config;
  /** Not connected yet; the node closes it. */
  readonly engine: ClusterEngine;
  /** This node can't go on. */
  readonly onGivenUp: (why: string) => void;
}

/**
 * A node of a cluster: takes part in it, and has a process run for each cell that falls to it, and a front. It serves no client itself, so that hardly
 * anything can end it.
 */
export class ClusterNode implements MembershipHost, ObservedNode {
  readonly id: string;
  readonly #options: ClusterNodeOptions;
  readonly #log: Logger;
  readonly #pool: WorkerPool;
  readonly #processes: CellProcesses;
  readonly #witness: NodeWitness;
  readonly #logs: LostLogs;
  /** Those of all nodes, as the API over all of them knows them. */
  readonly processes: ClusterProcesses;
  #door: CellDoor | null = null;
  readonly #frontDelays = new RestartDelays();
  #frontTimer: NodeJS.Timeout | null = null;
  /** Who waits for the front at the start. */
  #begun: {
    readonly resolve: (listeners: readonly WorkerListener[]) => void;
    readonly reject: (error: Error) => void;
  } | null = null;
  #member: Member | null = null;
  readonly #agreement: Agreement;
  #links: NodeLinks | null = null;
  #directory: Directory = { cells: [], nodes: [] };
  #state: MemberState = 'active';
  #stateReason: StateReason | null = null;
  /** Whether the others, if they are there, have had time to say so. */
  #isSettled = false;
  #settling: NodeJS.Timeout | null = null;
  #isStopping = false;
  #isAborted = false;
  /** How often the front was started again, or a cell had ended by itself. */
  restarts = 0;
  readonly claims = { free: 0, move: 0, late: 0, gone: 0, ended: 0 };

  constructor(options: ClusterNodeOptions) {
    const { config, log } = options;
    const { name, secret, cells: count, durability } = config.cluster;
    this.id = nodeIdOf(config);
    this.#options = options;
    this.#log = log;
    this.#agreement = new Agreement(this.id, log, comparedSettings(config, config));
    // No cell falls to another node where each stays at its home.
    const spareCount = () =>
      durability === 'node'
        ? 1
        : spareCountOf(count, this.#directory.nodes.filter(({ isAlive }) => isAlive).length);
    const pool = new WorkerPool({ ...options, cluster: name, secret, spareCount });
    this.#pool = pool;
    this.#agreement = new Agreement(this.id, log, comparedSettings(config, config), () =>
      pool.workers.map(({ settings }) => settings).filter((settings) => settings !== null),
    );
    const witness = new NodeWitness(log, ({ cell, epoch, node }) => {
      this.#processes.depose(cell, epoch, `node ${node} has the cell, with epoch ${epoch}`);
    });
    this.#witness = witness;
    const logs = new LostLogs(log);
    this.#logs = logs;
    const own = new WorkerProcesses(pool, count, (cell) => `cell ${cell}`);
    this.processes = new ClusterProcesses({ node: this.id, secret, own });
    this.#processes = new CellProcesses({
      ...{ node: this.id, count, pool },
      addressOf: (cell) => this.#placeOf(config.cluster.bind, cell),
      onChanged: () => this.#tell(),
      witnessOf: (cell) => witness.of(cell),
      onWitness: (one) => {
        witness.note(one);
        this.#links?.tell([one]);
      },
      onLoss: (cell, epoch, loss) => {
        const lost = loss !== null && isLostLog(loss) ? loss : null;
        logs.onOpened(cell, lost);
        if (lost === null) witness.onOpened(cell, epoch, loss as EngineLoss | null);
      },
      onEnded: (cell, epoch, why) => {
        this.restarts++;
        this.#member?.cellEnded(cell, epoch, why);
      },
    });
  }

  /** The folder of the sockets between the processes. */
  get directory(): string {
    return this.#pool.directory;
  }

  /** Without those of cells that another node answers for still. */
  get workers(): readonly {
    readonly label: WorkerLabel;
    readonly pid: number | null;
    readonly isReady: boolean;
  }[] {
    const workers = this.#pool.workers.filter(({ isPreparing }) => !isPreparing);
    return workers.map(({ label, pid, isReady }) => ({ label, pid, isReady }));
  }

  /** That it opens a cell keeps no client from being served: who comes waits for it. */
  get awaited(): readonly WorkerLabel[] {
    const serving = this.#pool.workers.filter(({ isReady }) => isReady);
    return [...new Set<WorkerLabel>(['front', ...serving.map(({ label }) => label)])];
  }

  get isActive(): boolean {
    return this.#state === 'active';
  }

  get known(): Directory {
    return this.#directory;
  }

  /** Without the engine, and not alone in that, it goes on with what it has. */
  get isTakingClients(): boolean {
    return this.#state !== 'fenced' && this.#stateReason !== 'minority';
  }

  /**
   * `engine-down`, `minority`, `fenced` or `superseded`; `witness` when the engine has lost data of a cell, `log-lost` when this node has lost the log of one; empty
   * while it is well.
   */
  get problems(): readonly string[] {
    const losses = [
      ...(this.#witness.hasLosses ? ['witness'] : []),
      ...(this.#logs.lostCount > 0 ? ['log-lost'] : []),
    ];
    if (this.#state === 'active') return losses;
    if (this.#stateReason === 'superseded') return ['superseded', ...losses];
    if (this.#state === 'fenced') return ['fenced', ...losses];
    return [this.#stateReason === 'engine' ? 'engine-down' : 'minority', ...losses];
  }

  get remedies(): readonly string[] {
    return [...this.#witness.remedies, ...this.#logs.remedies];
  }

  get lostLogs(): number {
    return this.#logs.lostCount;
  }

  get witnessViolations(): number {
    return this.#witness.violations;
  }

  /** What is not as it should be, and keeps it from nothing. */
  get warnings(): readonly string[] {
    return this.#agreement.warnings;
  }

  get links(): ObservedLinks | null {
    return this.#links;
  }

  get disagreements(): ReadonlyMap<string, readonly string[]> {
    return this.#agreement.found;
  }

  /**
   * Connects to the engine, listens, and takes part; resolves when it does, with where it listens.
   *
   * @throws {EngineError} by rejection, `unsuitable`, `not-installed`
   * @throws {MembershipError} when the cluster is another one than this node is configured for
   * @throws {WorkerRefusal} when the front can't begin
   */
  async start(): Promise<readonly WorkerListener[]> {
    const { config, engine } = this.#options;
    const { cluster } = config;
    try {
      const certificates = LinkCertificates.of(config, this.#log);
      await this.#connect();
      const member = new Member(this, {
        ...{
          map: engine.map,
          clock: nodeClock,
          node: this.id,
          incarnation: nodeRuntime.uniqueId(),
        },
        facts: {
          address: textOf(this.#placeOf(reachedAt(cluster), 0)),
          clients: [],
          ...{ version, level: MEMBER_LEVEL, ...this.#agreement.own },
        },
        ...{ cells: cluster.cells, peers: cluster.peers, durability: cluster.durability },
        times: {
          ...{ heartbeatMs: cluster.heartbeat, lateAfterMs: cluster.lateAfter },
          refusedAfterMs: Math.min(1.5 * cluster.heartbeat, cluster.lateAfter),
          ...{ holdMs: cluster.holdTime, fenceMs: cluster.fenceTime },
        },
      });
      this.#member = member;
      const links = new NodeLinks({
        ...{ node: this.id, log: this.#log, cluster: cluster.name, secret: cluster.secret },
        ...{ cells: cluster.cells, peers: cluster.peers, heartbeatMs: cluster.heartbeat },
        tls: certificates === null ? null : () => certificates.current,
        silentMs: cluster.lateAfter,
        witness: this.#witness,
        hasEngine: () => member.stand.state === 'active',
        onReach: (reach) => member.setReach(reach),
      });
      this.#links = links;
      await naming('cluster.bind', () => links.listen(this.#placeOf(cluster.bind, cluster.cells)));
      await this.#openDoor();
      const listeners = await this.#startFront();
      await member.join();
      this.#settling = setTimeout(() => {
        this.#isSettled = true;
        this.#tell();
      }, cluster.subscribePatience);
      const { advertiseClients: urls } = cluster;
      member.setClients(urls.length > 0 ? urls : listeners.flatMap((one) => one.urls));
      return listeners;
    } catch (error) {
      this.#member?.stop();
      await this.#links?.stop();
      await this.#door?.close();
      await this.#pool.abandon();
      await engine.close();
      throw error;
    }
  }

  /** Has all processes read the configuration again. */
  reload(cause: string): void {
    this.#pool.reload(cause);
  }

  /** The configuration that holds now, of which some takes effect only after a restart. */
  onReloaded(next: Config): void {
    this.#agreement.setSettings(comparedSettings(next, this.#options.config));
    this.#member?.setCompared(this.#agreement.own);
  }

  /** Has the process without a cell read it again: the others are asked to by the admin API. */
  reloadFront(cause: string): void {
    this.#pool.of('front')?.send({ kind: 'reload', cause });
  }

  /** Gives all cells to other nodes, then ends all processes in order; resolves when there are none any more. */
  async stop(signal: string): Promise<void> {
    const member = this.#member;
    // Without the engine there is nobody to give them to.
    if (member !== null && this.#state !== 'active') member.stop();
    else if (member !== null) {
      const timer = setTimeout(() => member.stop(), LEAVE_MS);
      await member.leave();
      clearTimeout(timer);
    }
    this.#isStopping = true;
    if (this.#frontTimer !== null) clearTimeout(this.#frontTimer);
    if (this.#settling !== null) clearTimeout(this.#settling);
    await this.#door?.close();
    await this.#pool.stop(signal);
    await this.#links?.stop();
    await this.#options.engine.close();
  }

  /** Ends all processes at once. */
  kill(): void {
    this.#pool.kill();
  }

  /** Has a start that waits for the engine be rejected. */
  abort(): void {
    this.#isAborted = true;
    this.#member?.stop();
  }

  // ---------------------------------------------------------------------- engine

  async #connect(): Promise<void> {
    const { engine } = this.#options;
    for (let count = 0; ; count++) {
      if (this.#isAborted) throw new Error('it was stopped while it waited for the engine');
      try {
        const { name, version: engineVersion, replicas, syncsBeforeAck } = await engine.connect();
        const sync = syncsBeforeAck === true ? 'verified' : `${syncsBeforeAck}`;
        this.#log.info('engine-connected', {
          ...{ engine: name, version: engineVersion, replicas, sync },
        });
        return;
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== 'unavailable') throw error;
        if (count % 10 === 0) this.#log.warn('engine-unavailable', { why: error.message });
      }
      await new Promise<void>((resolve) => {
        setTimeout(resolve, ENGINE_RETRY_MS);
      });
    }
  }

  // ----------------------------------------------------------------------- admin

  /** Other nodes ask there what operators want to know. */
  async #openDoor(): Promise<void> {
    const { bind, cells, secret } = this.#options.config.cluster;
    const { host, port } = this.#placeOf(bind, 0);
    const where = { host, port: doorPort(port, cells) };
    this.#door = await naming('cluster.bind', () =>
      CellDoor.open({
        ...{ ...where, secret, log: this.#log },
        socketOf: (cell) => {
          const isHere = this.#pool.of(cell)?.isReady === true;
          return isHere ? join(this.directory, adminSocket(cell)) : null;
        },
      }),
    );
  }

  // ----------------------------------------------------------------------- front

  #startFront(): Promise<readonly WorkerListener[]> {
    const begun = new Promise<readonly WorkerListener[]>((resolve, reject) => {
      this.#begun = { resolve, reject };
    });
    this.#forkFront();
    return begun;
  }

  #forkFront(): void {
    const { cells: count } = this.#options.config.cluster;
    const name = `front-${this.id}`;
    this.#pool.start(
      {
        label: 'front',
        cell: null,
        count,
        epoch: 0,
        name,
        node: this.id,
        address: null,
        witness: null,
      },
      {
        onReady: (listeners) => {
          this.#begun?.resolve(listeners);
          this.#begun = null;
        },
        onEnd: (end) => this.#onFrontEnd(end),
      },
    );
  }

  #giveUp(error: Error): void {
    const begun = this.#begun;
    this.#begun = null;
    if (begun === null) this.#options.onGivenUp(error.message);
    else begun.reject(error);
  }

  #onFrontEnd({ why, refusal, ranMs }: WorkerEnd): void {
    if (this.#isStopping) return;
    // One that was killed is started again, as later on.
    if (this.#begun !== null && refusal !== null) {
      this.#giveUp(refusal);
      return;
    }
    const said = refusal === null ? {} : { refusal: refusal.message };
    const waitMs = this.#frontDelays.next(ranMs);
    if (waitMs === null) {
      this.#log.fatal('worker-given-up', { worker: 'front', why, ...said });
      this.#giveUp(new Error(`the front ended again and again, last with ${why}`));
      return;
    }
    this.#log.error('worker-ended', { worker: 'front', why, ...said, restartMs: waitMs });
    this.restarts++;
    this.#frontTimer = setTimeout(() => this.#forkFront(), waitMs);
  }

  // ------------------------------------------------------------------ membership

  openCell(cell: number, epoch: number): Promise<'serving' | 'taken'> {
    return this.#processes.open(cell, epoch);
  }

  prepareCell(cell: number): Promise<void> {
    return this.#processes.prepare(cell);
  }

  releaseCell(cell: number, how: 'move' | 'abandon'): Promise<void> {
    return this.#processes.release(cell, how);
  }

  onDirectory(directory: Directory): void {
    this.#directory = directory;
    this.#links?.follow(directory.nodes);
    this.#agreement.setDirectory(directory);
    this.#witness.onDirectory(directory);
    this.#tell();
    this.processes.setDirectory(directory);
  }

  onState(state: MemberState, why: StateReason | null): void {
    this.#state = state;
    this.#stateReason = why;
    if (state === 'active') this.#log.info('node-active');
    else this.#log.error('node-not-active', { state, why: why as string });
    this.#tell();
    if (why === 'superseded') this.#options.onGivenUp('another process has the name of this node');
  }

  onEvent(event: MembershipEvent): void {
    if (event.kind === 'cell-claimed') this.claims[event.reason]++;
    logMembership(this.#log, event);
  }

  /** Says to all processes where the cells are. */
  #tell(): void {
    this.#pool.tell(
      this.#directory.cells.map((found) => {
        const { cell, epoch, node, state, address, isForgotten, isAway } = found;
        const isHere = node === this.id;
        const isServing = state === 'serving' || state === 'moving';
        const isNowhere = state === 'free' || isForgotten || isAway;
        const place: CellPlace = {
          ...{ cell, epoch, address, node, isHere },
          isAwaited: !isForgotten && !(isAway && this.#isSettled),
          clients: this.#directory.nodes.find(({ id }) => id === node)?.clients ?? [],
          state: isNowhere ? 'away' : isServing ? 'serving' : 'opening',
        };
        return place;
      }),
      !this.isTakingClients,
    );
  }

  #placeOf([address]: readonly Address[], cell: number): Exclude<LinkAddress, string> {
    if (address?.kind !== 'tcp') throw new Error('a node has an address for links');
    return { host: address.host === '' ? '::' : address.host, port: address.port + cell };
  }
}

function reachedAt({ bind, advertise }: Config['cluster']): readonly Address[] {
  return advertise.length > 0 ? advertise : bind;
}

function textOf({ host, port }: Exclude<LinkAddress, string>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

async function naming<T>(option: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new Error(`${option}: ${(error as Error).message}`, { cause: error });
  }
}
