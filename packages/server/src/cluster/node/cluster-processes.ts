import type { ConnectionOptions } from 'node:tls';
import type { Directory, DirectoryCell } from '@promptmq/cluster';
import type { AskedProcess, WorkerProcesses } from '../admin-processes.ts';
import { CELL_HEADER } from './cell-door.ts';
import { clientTls } from './peer-tls.ts';

/** The port of a node for what other nodes ask of its cells: the one after those where these, and the node itself, take links. */
export function doorPort(base: number, cellCount: number): number {
  return base + cellCount + 1;
}

/** The process of a cell on another node. */
export interface RemoteProcess {
  readonly name: string;
  readonly cell: number;
  readonly at: ConnectionOptions & {
    readonly protocol: 'https:';
    readonly headers: Readonly<Record<string, string>>;
  };
}

export interface ClusterProcessesOptions {
  /** Of this node. */
  readonly node: string;
  readonly secret: string;
  /** Those of this node. */
  readonly own: WorkerProcesses;
}

/** All cells of the cluster that are served, as the API over all of them knows them. */
export class ClusterProcesses {
  /** A node listens with a process that has no cell, too. */
  readonly haveAllListeners = false;
  readonly #options: ClusterProcessesOptions;
  readonly #tls: ConnectionOptions;
  readonly #listeners = new Set<() => void>();
  /** By cell: of the owner that has it. */
  #remote: ReadonlyMap<number, { readonly key: string; readonly process: RemoteProcess }>;

  constructor(options: ClusterProcessesOptions) {
    this.#options = options;
    this.#tls = clientTls(options.secret);
    this.#remote = new Map();
    options.own.onChange(() => this.#changed());
  }

  get cellCount(): number {
    return this.#options.own.cellCount;
  }

  get serving(): readonly (AskedProcess | RemoteProcess)[] {
    const own = this.#options.own.serving;
    const here = new Set(own.map(({ cell }) => cell));
    const elsewhere = [...this.#remote.values()]
      .map(({ process }) => process)
      .filter(({ cell }) => !here.has(cell));
    return [...own, ...elsewhere].sort((one, other) => one.cell - other.cell);
  }

  nameOf(cell: number): string {
    return this.#options.own.nameOf(cell);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Where cells are, as it is now. */
  setDirectory({ cells }: Directory): void {
    const remote = new Map<number, { key: string; process: RemoteProcess }>();
    for (const found of cells) {
      const process = this.#remoteOf(found);
      if (process !== null) remote.set(found.cell, process);
    }
    this.#remote = remote;
    this.#changed();
  }

  #remoteOf({ cell, epoch, node, state, address }: DirectoryCell) {
    const isServed = state === 'serving' || state === 'moving';
    if (!isServed || node === null || address === null || node === this.#options.node) return null;
    const { host, port } = address;
    const key = `${node} ${epoch} ${host} ${port}`;
    const known = this.#remote.get(cell);
    if (known?.key === key) return known;
    const process: RemoteProcess = {
      name: this.nameOf(cell),
      cell,
      at: {
        ...this.#tls,
        protocol: 'https:',
        host,
        port: doorPort(port - cell, this.cellCount),
        headers: { [CELL_HEADER]: `${cell}` },
      },
    };
    return { key, process };
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
