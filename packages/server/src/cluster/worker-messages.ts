/** What the supervisor and its workers say to each other, over the channel that Node.js has between a process and its child. */
import type { Listener } from '../listeners/listener.ts';
import type { ClientFacts } from './front/client-facts.ts';

/** What a worker has to know before it can begin. */
export interface WorkerStart {
  readonly kind: 'start';
  /** From 0 on: the number of its cell, too. */
  readonly number: number;
  /** How many workers there are. */
  readonly count: number;
  /** Higher than that of all that have been this worker before. */
  readonly epoch: number;
  /** The folder of the sockets between the workers. */
  readonly directory: string;
  /** What only the workers of this broker know. */
  readonly secret: string;
  /** Whether lines for people are coloured. */
  readonly isColoured: boolean;
}

export type ToWorker =
  | WorkerStart
  /** Comes with the socket of a client that another worker has accepted. */
  | { readonly kind: 'socket'; readonly facts: ClientFacts; readonly read: string }
  | { readonly kind: 'reload'; readonly cause: string }
  /** Another worker has ended. */
  | { readonly kind: 'gone'; readonly number: number }
  | { readonly kind: 'stop'; readonly signal: string };

/** A listener of a worker, as the supervisor shows it. */
export type WorkerListener = Pick<Listener, 'name' | 'protocol' | 'address' | 'url' | 'urls'>;

export type FromWorker =
  /** It listens to messages: what was sent before is lost. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'ready'; readonly listeners: readonly WorkerListener[] }
  /** It can't begin: what is wrong with the configuration or the machine. */
  | { readonly kind: 'refused'; readonly why: string; readonly isUsage: boolean }
  /** Comes with the socket of a client whose session another worker has. */
  | {
      readonly kind: 'give';
      readonly to: number;
      readonly facts: ClientFacts;
      /** What has been read of it, as base64. */
      readonly read: string;
    };

/** The name of a worker among the others. */
export function workerName(number: number): string {
  return `worker-${number}`;
}

/** Where a worker takes links, within the folder. */
export function linkSocket(number: number): string {
  return `link-${number}.sock`;
}

/** Where a worker is asked what operators ask, within the folder. */
export function adminSocket(number: number): string {
  return `admin-${number}.sock`;
}

/** Where a worker serves its metrics, within the folder. */
export function metricsSocket(number: number): string {
  return `metrics-${number}.sock`;
}
