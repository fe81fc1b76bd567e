import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../../config/index.ts';
import { EmbedError } from '../../embed/calls/embed-error.ts';
import type { TestBroker } from '../test-broker.ts';
import { TestBrokerError } from '../test-broker-error.ts';
import { ControlError, type Fields } from './control-error.ts';
import { type Answer, Verbs } from './verbs.ts';

/** Only programs of this machine may say what a test broker does. */
const HOST = '127.0.0.1';

const CONNECTIONS_MAX = 256;
const BODY_BYTES_MAX = 16_777_216;

/** Names by which a program of this machine calls it; another one may be a web page that found out the port. */
const HOST_NAMES = /^(127\.0\.0\.1|localhost)(:\d+)?$/;

/** Has a test broker do over HTTP what it does in a program. */
export class ControlServer {
  readonly #server: Server;
  readonly #verbs: Verbs;

  private constructor(broker: TestBroker, onStop: () => void) {
    this.#verbs = new Verbs(broker, onStop);
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /**
   * @param port - of this machine's loopback address; 0: any that is free
   * @param onStop - called when the process is asked to end, before the answer
   * @throws the system's error when the port can't be bound
   */
  static async open(broker: TestBroker, port: number, onStop: () => void): Promise<ControlServer> {
    const control = new ControlServer(broker, onStop);
    const server = control.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, HOST, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return control;
  }

  /** Such as `http://127.0.0.1:40123`. */
  get url(): string {
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What is being answered is, for a moment; then all connections are cut. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    setTimeout(() => this.#server.closeAllConnections(), 100).unref();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      answer(response, 200, await this.#run(request));
    } catch (error) {
      const { status, code, message } = failureOf(error);
      answer(response, status, { error: { code, message } });
    }
  }

  #run(request: IncomingMessage): Promise<Answer> {
    const { method = '', headers } = request;
    // A browser sends an Origin; no test does.
    if (headers.origin !== undefined || !HOST_NAMES.test(headers.host ?? '')) {
      throw new ControlError(
        403,
        'forbidden',
        'only programs of this machine, by 127.0.0.1 or localhost',
      );
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const fields = async () =>
      method === 'GET' ? Object.fromEntries(searchParams) : await readFields(request);
    return this.#verbs.run(method, pathname.slice(1), fields);
  }
}

/** The body of a request: a JSON object, or nothing. @throws {ControlError} 400, 413 */
async function readFields(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) {
      throw new ControlError(413, 'too-large', `a request has at most ${BODY_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  if (size === 0) return {};
  let fields: unknown;
  try {
    fields = JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new ControlError(400, 'bad-json', `the body isn't JSON: ${(error as Error).message}`);
  }
  if (typeof fields === 'object' && fields !== null && !Array.isArray(fields))
    return fields as Fields;
  throw new ControlError(400, 'bad-json', 'the body is a JSON object, or nothing');
}

function failureOf(error: unknown): { status: number; code: string; message: string } {
  if (error instanceof ControlError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof TestBrokerError) {
    const status = error.code === 'bad-argument' ? 400 : error.code === 'not-received' ? 408 : 409;
    return { status, code: error.code, message };
  }
  if (error instanceof EmbedError) {
    return { status: error.code.startsWith('invalid-') ? 400 : 409, code: error.code, message };
  }
  if (error instanceof ConfigError) return { status: 400, code: 'bad-argument', message };
  return { status: 500, code: 'failed', message };
}

function answer(response: ServerResponse, status: number, content: Answer): void {
  const isText = typeof content === 'string';
  const body = isText ? content : `${JSON.stringify(content)}\n`;
  response.writeHead(status, {
    'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}
