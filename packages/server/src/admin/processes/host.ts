import type { RequestOptions } from 'node:http';

/** A process that has clients, as another one asks it. */
export interface ServingProcess {
  /** For people: `worker 0`, `cell 3`. */
  readonly name: string;
  /** The number of its cell: it has the clients whose identifiers fall to it. */
  readonly cell: number;
  /** Where its API is, for requests that are passed on. */
  readonly at: Pick<RequestOptions, 'socketPath' | 'host' | 'port'>;
}

/** What the API over several processes needs to know of them. They come and go. */
export interface ServingProcesses {
  /** How many cells there are, whether they are served or not: 2 or more. */
  readonly cellCount: number;
  /** Those that serve now, by cell. */
  readonly serving: readonly ServingProcess[];
  /** What a cell is called that nobody serves just now. */
  nameOf(cell: number): string;
  /** Calls a listener whenever a process has begun to serve, or does so no more. @returns what ends that */
  onChange(listener: () => void): () => void;
}
