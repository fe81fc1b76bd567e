import type { OutgoingHttpHeaders, RequestOptions } from 'node:http';
import type { ConnectionOptions } from 'node:tls';

/** A socket of this machine, or another one by HTTPS. */
export type ProcessAddress =
  | Pick<RequestOptions, 'socketPath'>
  | (ConnectionOptions & {
      readonly protocol: 'https:';
      readonly headers: Readonly<OutgoingHttpHeaders>;
    });

/** A process that has clients, as another one asks it. */
export interface ServingProcess {
  /** For people: `worker 0`, `cell 3`. */
  readonly name: string;
  /** The number of its cell: it has the clients whose identifiers fall to it. */
  readonly cell: number;
  /** Where its API is, for requests that are passed on. */
  readonly at: ProcessAddress;
}

/** What the API over several processes needs to know of them. They come and go. */
export interface ServingProcesses {
  /** How many cells there are, whether they are served or not: 2 or more. */
  readonly cellCount: number;
  /** Whether all that listens is among these processes, so that listeners can be stopped and started. */
  readonly haveAllListeners: boolean;
  /** Those that serve now, by cell. */
  readonly serving: readonly ServingProcess[];
  /** What a cell is called that nobody serves just now. */
  nameOf(cell: number): string;
  /** Calls a listener whenever a process has begun to serve, or does so no more. @returns what ends that */
  onChange(listener: () => void): () => void;
}
