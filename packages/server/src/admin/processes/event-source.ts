import type { IncomingMessage } from 'node:http';
import { API_PATH } from '../api/admin-api.ts';
import type { Caller } from '../api/operation.ts';
import { openStream } from './ask-process.ts';
import type { ServingProcess, ServingProcesses } from './host.ts';

/** A Server-Sent Event as a process has sent it. */
export interface SentEvent {
  readonly name: string;
  readonly id: string;
  /** JSON. */
  readonly data: string;
}

/** What processes are followed for. */
export interface Followed {
  readonly method: 'GET' | 'POST';
  /** Below `/api/v5`, with parameters; again for each time that a process is followed. */
  target(process: ServingProcess): string;
  readonly body?: unknown;
  readonly caller: Caller;
  onEvent(process: ServingProcess, event: SentEvent): void;
  /** A process that was followed isn't any more, until it is there again: what happens meanwhile is missing. */
  onGap(process: ServingProcess): void;
}

/** Processes that are followed. */
export interface Following {
  /** Resolves when those that are there now have begun to answer, or can't. */
  readonly begun: Promise<unknown>;
  end(): void;
}

/**
 * Follows all processes, those that come later too.
 *
 * @param isMeant - whether a process is to be followed
 */
export function followProcesses(
  processes: ServingProcesses,
  followed: Followed,
  isMeant: (process: ServingProcess) => boolean = () => true,
): Following {
  const begun: Promise<void>[] = [];
  const ends = new Map<ServingProcess, AbortController>();
  const look = () => {
    for (const [process, end] of ends) {
      if (processes.serving.includes(process)) continue;
      ends.delete(process);
      end.abort();
    }
    for (const process of processes.serving) {
      if (ends.has(process) || !isMeant(process)) continue;
      const end = new AbortController();
      ends.set(process, end);
      const begin = new Promise<void>((resolve) => {
        void follow(process, followed, resolve, end.signal).then(() => {
          resolve();
          if (!isEnded) followed.onGap(process);
        });
      });
      if (!hasBegun) begun.push(begin);
    }
  };
  let isEnded = false;
  let hasBegun = false;
  const unfollow = processes.onChange(look);
  look();
  hasBegun = true;
  return {
    begun: Promise.all(begun),
    end: () => {
      isEnded = true;
      unfollow();
      for (const end of ends.values()) end.abort();
    },
  };
}

/** Resolves when it is over, for whatever reason. @param onBegun - it answers */
async function follow(
  process: ServingProcess,
  { method, target, body, caller, onEvent }: Followed,
  onBegun: () => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    const response = await openStream(process, {
      method,
      target: API_PATH + target(process),
      body: body === undefined ? '' : JSON.stringify(body),
      caller,
      signal,
    });
    onBegun();
    for await (const event of eventsOf(response)) onEvent(process, event);
  } catch {
    // It is gone, or nobody follows it any more.
  }
}

/** The events of a stream, one after the other. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<SentEvent> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const text of response) {
    rest += text as string;
    for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
      const event = eventOf(rest.slice(0, end));
      rest = rest.slice(end + 2);
      if (event !== null) yield event;
    }
  }
}

/** Null for a comment. */
function eventOf(block: string): SentEvent | null {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const name = fields.get('event');
  if (name === undefined) return null;
  return { name, id: fields.get('id') ?? '', data: fields.get('data') ?? '{}' };
}
