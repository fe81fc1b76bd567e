/** What the supervisor and its workers say to each other, over the channel that Node.js has between a process and its child. */

import type { LinkAddress, Settings, Witness } from '@promptmq/cluster';
import type { Listener } from '../listeners/listener.ts';
import type { CellLoss } from './cell/lost-log.ts';
import type { ClientFacts } from './front/client-facts.ts';

/** A worker among those of its supervisor: the number of its cell, or `front` for the one without a cell, which only passes clients on. */
export type WorkerLabel = number | 'front';

/** Where a cell is, as far as the supervisor knows. */
export interface CellPlace {
  readonly cell: number;
  /** Higher than that of all that have had it before; 0 while nobody has had it. */
  readonly epoch: number;
  /** `serving`: it takes clients. `opening`: it takes links, and no clients yet. `away`: no process has it, or none that operators wait for. */
  readonly state: 'serving' | 'opening' | 'away';
  /** Where its process takes links; null while it is away. */
  readonly address: LinkAddress | null;
  /** Whether who begins waits until it knows what the cell's clients have subscribed to. */
  readonly isAwaited: boolean;
  /** The node that has it; null while none has. */
  readonly node: string | null;
  /** Whether its process has the same supervisor: then it can be given sockets. */
  readonly isHere: boolean;
  /** Where clients of its node connect to, as URLs. */
  readonly clients: readonly string[];
}

/** What a worker has to know before it can begin. */
export interface WorkerStart {
  readonly kind: 'start';
  readonly label: WorkerLabel;
  /** Null for a front. */
  readonly cell: number | null;
  /** How many cells there are. */
  readonly count: number;
  /** Higher than that of all that have had its cell before. */
  readonly epoch: number;
  /** Whether another node has the cell still: its log is read, and `claim` says the epoch. */
  readonly isAhead: boolean;
  /** Its name on links: no other process that can be reached has the same. */
  readonly name: string;
  /** The node of a cluster that it is of; null where the workers are all there is. */
  readonly node: string | null;
  /** The folder of the sockets between the workers. */
  readonly directory: string;
  /** Of those that have links to each other. */
  readonly cluster: string;
  /** What only these know. */
  readonly secret: string;
  /** Where it takes links; null for a front, which nobody dials. */
  readonly address: LinkAddress | null;
  /** How far the log of its cell was in the engine, as nodes have been told; null where nobody was. */
  readonly witness: Witness | null;
  /** Whether lines for people are coloured. */
  readonly isColoured: boolean;
}

/** This node has claimed the cell of a worker that has prepared it. */
export interface WorkerClaim {
  readonly kind: 'claim';
  readonly epoch: number;
  /** As `WorkerStart` has it. */
  readonly witness: Witness | null;
}

export type ToWorker =
  | WorkerStart
  /** It has nothing to do yet, and may get ready for a cell, whichever that will be. */
  | { readonly kind: 'spare' }
  /** To one that has prepared its cell: this node has claimed it. */
  | WorkerClaim
  /** Where all cells are; comes first behind `start`, and whenever it changes. */
  | {
      readonly kind: 'cells';
      readonly cells: readonly CellPlace[];
      /** Whether no client that connects is to be served. */
      readonly isClosed: boolean;
    }
  /** Comes with the socket of a client that another worker has accepted. */
  | { readonly kind: 'socket'; readonly facts: ClientFacts; readonly read: string }
  | { readonly kind: 'reload'; readonly cause: string }
  /** What the other workers have said of themselves last; answers `figures`. */
  | { readonly kind: 'figures'; readonly others: readonly WorkerFigures[] }
  /** What is answered to a request for users: a response, or why there is none. */
  | {
      readonly kind: 'users';
      readonly number: number;
      readonly response: string | null;
      readonly why: string;
    }
  /** To end in order. */
  | { readonly kind: 'stop'; readonly signal: string }
  /** To end: its cell has another owner. */
  | { readonly kind: 'abandon'; readonly why: string };

/** A listener of a worker, as the supervisor shows it. */
export type WorkerListener = Pick<Listener, 'name' | 'protocol' | 'address' | 'url' | 'urls'>;

/** Figures of a worker by name, for the topics below `$SYS`. */
export type WorkerFigures = Readonly<Record<string, number>>;

/** What a client asks to change of users, groups and roles. */
export interface UsersRequest {
  /** `{"commands": [...]}`, as it has sent it. */
  readonly payload: string;
  readonly clientId: string;
  readonly userName: string | null;
}

export type FromWorker =
  /** It listens to messages: what was sent before is lost. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'figures'; readonly figures: WorkerFigures }
  /** A client of it asks to change users, groups and roles, which all processes are to do; `users` answers it. */
  | { readonly kind: 'users'; readonly number: number; readonly request: UsersRequest }
  /** What it has in force of what has to be the same on all nodes. */
  | { readonly kind: 'settings'; readonly settings: Settings }
  /** What its cell's log had was read. */
  | { readonly kind: 'prepared' }
  /** All that it acknowledged is safe, its clients are gone, and it does nothing more with its cell: another process may have that. */
  | { readonly kind: 'left' }
  | { readonly kind: 'ready'; readonly listeners: readonly WorkerListener[] }
  /** It can't begin: what is wrong with the configuration or the machine. */
  | {
      readonly kind: 'refused';
      readonly why: string;
      readonly isUsage: boolean;
      /** What is lost of the cell, where it is that. */
      readonly loss?: CellLoss;
    }
  /** How far the log of its cell is in the engine. */
  | { readonly kind: 'witness'; readonly witness: Witness }
  /** Its cell has another owner, and it ends. */
  | { readonly kind: 'taken'; readonly why: string }
  /** Comes with the socket of a client whose session another worker has. */
  | {
      readonly kind: 'give';
      /** The cell. */
      readonly to: number;
      readonly facts: ClientFacts;
      /** What has been read of it, as base64. */
      readonly read: string;
    };

/** The name on links of the process that serves a cell, wherever that is. */
export function cellName(cell: number): string {
  return `cell-${cell}`;
}

/** Where a worker takes links, within the folder. */
export function linkSocket(label: WorkerLabel): string {
  return `link-${label}.sock`;
}

/** Where a worker is asked what operators ask, within the folder. */
export function adminSocket(label: WorkerLabel): string {
  return `admin-${label}.sock`;
}

/** Where a worker serves its metrics, within the folder. */
export function metricsSocket(label: WorkerLabel): string {
  return `metrics-${label}.sock`;
}
