import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { AppendOutcome } from '../engine.ts';
import type { NatsModules } from './nats-modules.ts';
import { ServerPatience } from './server-patience.ts';

/** Codes of errors that the server answers an append with. */
const AppendError = {
  wrongLastSequence: 10071,
  wrongLastSequenceUnknown: 10164,
  insufficientResources: 10023,
  storageResourcesExceeded: 10047,
  streamStoreFailed: 10077,
} as const;

/** Status of what comes instead of an answer where nobody serves the stream. */
const NO_RESPONDERS = 503;

/** The answer to an append, as the server says it. */
interface Answer {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/**
 * Appends to a stream and takes the answers, all with one subscription. It does what a publish of the client library does, which makes several
 * promises and an error with its stack for each.
 *
 * Invariant: of each append there is one outcome; one that is not known in time is `unknown`, whatever comes later.
 */
export class NatsAppends {
  readonly #modules: NatsModules;
  readonly #connection: NatsConnection;
  readonly #stream: string;
  readonly #subject: string;
  readonly #timeoutMs: number;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  /** With the server of the connection: for whatever else is asked there. */
  readonly patience: ServerPatience;
  /** By what their answers are addressed to. */
  readonly #waiting = new Map<string, (outcome: AppendOutcome) => void>();
  #number = 0;

  constructor(
    modules: NatsModules,
    connection: NatsConnection,
    { stream, subject }: { stream: string; subject: string },
    timeoutMs: number,
  ) {
    this.#modules = modules;
    this.#connection = connection;
    this.#stream = stream;
    this.#subject = subject;
    this.#timeoutMs = timeoutMs;
    this.patience = new ServerPatience(() => connection.reconnect());
    this.#inbox = modules.transport.createInbox();
    this.#subscription = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        // Without permission for the subject of answers none comes, which is no other case.
        if (error === null) this.#take(message);
      },
    });
  }

  /** As `EngineLog.append`. */
  append(after: number, parts: readonly Uint8Array[]): Promise<AppendOutcome> {
    const [only] = parts;
    const data = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
    const reply = `${this.#inbox}.${++this.#number}`;
    const headers = this.#modules.transport.headers();
    headers.set('Nats-Expected-Stream', this.#stream);
    headers.set('Nats-Expected-Last-Sequence', `${after}`);
    return new Promise((resolve) => {
      const end = (outcome: AppendOutcome) => {
        clearTimeout(timer);
        this.#waiting.delete(reply);
        if (outcome.kind === 'unknown') this.patience.onNoAnswer();
        else this.patience.onAnswer();
        resolve(outcome);
      };
      const timer = setTimeout(
        () => end({ kind: 'unknown', why: `no answer in ${this.#timeoutMs} ms` }),
        this.#timeoutMs,
      );
      this.#waiting.set(reply, end);
      try {
        this.#connection.publish(this.#subject, data, { reply, headers });
      } catch (error) {
        end({ kind: 'unknown', why: (error as Error).message });
      }
    });
  }

  /** What has no answer yet is `unknown`. */
  close(): void {
    this.#subscription.unsubscribe();
    for (const end of [...this.#waiting.values()]) end({ kind: 'unknown', why: 'closed' });
  }

  #take(message: Msg): void {
    this.#waiting.get(message.subject)?.(this.#outcomeOf(message));
  }

  #outcomeOf({ data, headers }: Msg): AppendOutcome {
    if (data.length === 0 && headers?.code === NO_RESPONDERS) {
      return { kind: 'unknown', why: 'nobody serves the stream' };
    }
    let answer: Answer;
    try {
      answer = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString()) ?? {};
    } catch {
      return { kind: 'unknown', why: 'an answer that is not JSON' };
    }
    const { error, stream, seq, duplicate } = answer;
    if (error !== undefined) return refusal(error.err_code ?? 0, error.description ?? '');
    if (stream !== this.#stream || seq === undefined) {
      return { kind: 'unknown', why: 'an answer that is none' };
    }
    if (duplicate === true) {
      return { kind: 'unknown', why: 'the server took it for a repetition' };
    }
    return { kind: 'appended', sequence: seq };
  }
}

/** What an error of the server says of an append. */
function refusal(code: number, description: string): AppendOutcome {
  switch (code) {
    case AppendError.wrongLastSequence: {
      const last = /: (\d+)$/.exec(description)?.[1];
      return { kind: 'conflict', last: last === undefined ? null : Number(last) };
    }
    case AppendError.wrongLastSequenceUnknown:
      return { kind: 'conflict', last: null };
    case AppendError.storageResourcesExceeded:
    case AppendError.insufficientResources:
      return { kind: 'full' };
    case AppendError.streamStoreFailed:
      // The reason is a text: "maximum bytes exceeded", or whatever went wrong with the disk.
      if (/maximum bytes exceeded/.test(description)) return { kind: 'full' };
      return { kind: 'unknown', why: description };
    default:
      return { kind: 'unknown', why: description };
  }
}
