import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** An answer takes a client moments; coming back after a restart of the broker, some seconds. */
const WAIT_MS_MAX = 30_000;

export interface ClientEvent {
  readonly event: string;
  readonly sessionPresent?: boolean;
  readonly granted?: readonly number[];
}

export interface ClientMessage extends ClientEvent {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}

export interface ClientOptions {
  readonly port: string;
  readonly transport: 'tcp' | 'ws';
  /** 3 is MQTT 3.1, 4 is 3.1.1. */
  readonly version: 3 | 4 | 5;
  readonly clientId: string;
  readonly session: 'keep' | 'clean';
}

/** One of the programs in `clients/`, which gets commands and says what happens. */
export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #said: string[] = [];
  /** Events that nobody has waited for yet; messages are kept apart. */
  readonly #events: ClientEvent[] = [];
  readonly #received: ClientMessage[] = [];
  #wake: () => void = () => {};
  #hasEnded = false;

  constructor(command: readonly string[], options: ClientOptions) {
    const { port, transport, version, clientId, session } = options;
    const [program = '', ...args] = command;
    this.#child = spawn(
      program,
      [...args, '127.0.0.1', port, transport, `${version}`, clientId, session],
      { stdio: 'pipe' },
    );
    // A command for a client that has ended is noticed by what it doesn't answer.
    this.#child.stdin?.on('error', () => {});
    this.#closed = once(this.#child, 'close');
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => this.#take(line));
    this.#child.stderr?.on('data', (chunk) => this.#said.push(`${chunk}`.trim()));
    this.#child.once('close', (code) => {
      this.#said.push(`ended with ${code}`);
      this.#hasEnded = true;
      this.#wake();
    });
  }

  #take(line: string): void {
    this.#said.push(line);
    const event = JSON.parse(line) as ClientEvent;
    if (event.event === 'message') this.#received.push(event as ClientMessage);
    else this.#events.push(event);
    this.#wake();
  }

  tell(...words: readonly (string | number)[]): void {
    this.#child.stdin?.write(`${words.join(' ')}\n`);
  }

  /** Waits for an event of that name which nobody has waited for. */
  async next(name: string): Promise<ClientEvent> {
    await this.#until(() => this.#events.some(({ event }) => event === name), name);
    const index = this.#events.findIndex(({ event }) => event === name);
    return this.#events.splice(index, 1)[0] as ClientEvent;
  }

  /** Waits for this number of messages that nobody has waited for, and takes all that have come. */
  async messages(count: number): Promise<ClientMessage[]> {
    await this.#until(() => this.#received.length >= count, `${count} messages`);
    return this.#received.splice(0);
  }

  async subscribe(filter: string, qos: number): Promise<readonly number[] | undefined> {
    this.tell('subscribe', filter, qos);
    return (await this.next('subscribed')).granted;
  }

  async unsubscribe(filter: string): Promise<void> {
    this.tell('unsubscribe', filter);
    await this.next('unsubscribed');
  }

  /** Publishes and waits until that is done, which with QoS 1 and 2 the broker says. */
  async publish(topic: string, qos: number, payload: string, retain = false): Promise<void> {
    this.tell('publish', topic, qos, retain ? 1 : 0, payload);
    await this.next('published');
  }

  async disconnect(): Promise<void> {
    this.tell('disconnect');
    await this.#until(() => this.#hasEnded, 'its end');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, WAIT_MS_MAX);
    try {
      while (!isSo()) {
        if (isLate || this.#hasEnded) {
          throw new Error(`waited for ${what}; the client said:\n${this.#said.join('\n')}`);
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
