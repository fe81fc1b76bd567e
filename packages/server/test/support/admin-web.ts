import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { createBroker } from '../../src/embed/create-broker.ts';
import type { ConfigInput, Logger, RunningBroker } from '../../src/index.ts';

export const SECRET = 'a-secret-that-is-long-enough';

/** By name, with what they may do. */
export const KEYS = [
  { name: 'all', secret: SECRET, scopes: ['read', 'publish', 'clients', 'auth', 'config'] },
  { name: 'reader', secret: SECRET, scopes: ['read'] },
] as const;

export interface WebAnswer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly body: any;
}

export interface LogLine {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly [field: string]: any;
}

/** A broker with its admin listener, and what is asked there. */
export class AdminWeb implements AsyncDisposable {
  readonly broker: RunningBroker;
  readonly url: string;
  readonly lines: readonly LogLine[];

  private constructor(broker: RunningBroker, lines: readonly LogLine[]) {
    this.broker = broker;
    this.url = broker.adminUrl as string;
    this.lines = lines;
  }

  static async open(admin: ConfigInput['admin'] = {}, more: ConfigInput = {}): Promise<AdminWeb> {
    const lines: LogLine[] = [];
    const note = (event: string, fields: object = {}) => lines.push({ event, ...fields });
    const logger = { trace() {}, debug() {}, info: note, warn: note, error: note, fatal: note };
    const broker = await createBroker(
      { server: { wsBind: 'none' }, ...more, admin: { keys: KEYS as never, ...admin } },
      { logger: logger as Logger },
    );
    return new AdminWeb(broker, lines);
  }

  /** @param path - sent as it is */
  ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string | object,
  ): Promise<WebAnswer> {
    const sent = typeof body === 'object' ? JSON.stringify(body) : body;
    const json = typeof body === 'object' ? { 'content-type': 'application/json' } : {};
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      const options = { hostname, port, method, path, headers: { ...json, ...headers } };
      const asked = request({ ...options, agent: false }, (answer) => {
        text(answer).then((read) => {
          const isJson = answer.headers['content-type'] === 'application/json' && read !== '';
          resolve({
            status: answer.statusCode,
            headers: answer.headers,
            text: read,
            body: isJson ? JSON.parse(read) : null,
          });
        }, reject);
      });
      asked.on('error', reject);
      asked.end(sent);
    });
  }

  /** A connection that sends what it is told. */
  async connect(): Promise<Socket> {
    const { hostname, port } = new URL(this.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  /** What comes back for what is sent, until the connection ends. */
  async raw(...parts: readonly (string | Buffer)[]): Promise<string> {
    const socket = await this.connect();
    for (const part of parts) socket.write(part);
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    await once(socket, 'close');
    return answer;
  }

  /** Logs in; what a browser sends from then on. */
  async login(name = 'all'): Promise<{ cookie: string; csrf: string; origin: string }> {
    const { headers, body } = await this.ask(
      'POST',
      '/api/v5/login',
      {},
      { key: name, secret: SECRET },
    );
    const [cookie = ''] = headers['set-cookie'] as string[];
    return { cookie: cookie.split(';', 1)[0] as string, csrf: body.csrf, origin: this.url };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.broker.stop();
  }
}

/** The header of Basic. */
export function basic(name: string, secret = SECRET): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` };
}
