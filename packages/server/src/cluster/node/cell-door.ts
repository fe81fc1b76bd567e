import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { BoundedServer } from '@promptmq/metrics';
import type { Logger } from '../../log/index.ts';
import { serverTls } from './peer-tls.ts';

/** Says for which cell a request is. */
export const CELL_HEADER = 'x-promptmq-cell';

/** Connections of other nodes at a time; the one that has been idle for longest is closed for one more. */
const CONNECTIONS_MAX = 512;

export interface CellDoorOptions {
  readonly host: string;
  readonly port: number;
  /** Of the cluster. */
  readonly secret: string;
  /** Where the process of a cell is asked; null when it isn't here. */
  socketOf(cell: number): string | null;
  readonly log: Logger;
}

/**
 * Where other nodes ask what operators want to know of the cells of this one: requests of the admin API are passed on to the process of the cell. Only
 * who knows the secret of the cluster can connect.
 */
export class CellDoor {
  readonly #options: CellDoorOptions;
  readonly #server: BoundedServer;

  private constructor(options: CellDoorOptions) {
    const { secret, log } = options;
    this.#options = options;
    this.#server = new BoundedServer({
      answer: (request, response) => this.#pass(request, response),
      connectionsMax: CONNECTIONS_MAX,
      readsBodies: true,
      onError: (error) => log.error('admin-failed', { error: String(error) }),
      tls: serverTls(secret),
    });
  }

  /** @throws the system's error when the address can't be bound */
  static async open(options: CellDoorOptions): Promise<CellDoor> {
    const door = new CellDoor(options);
    const { host, port } = options;
    await door.#server.listen(host === '::' ? { port } : { host, port });
    return door;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** It may take as long as it takes: who asks has its own limits. */
  #pass(request: IncomingMessage, response: ServerResponse): void {
    const cell = Number(request.headers[CELL_HEADER]);
    const socketPath = this.#options.socketOf(cell);
    if (socketPath === null) {
      refuse(response, `cell ${cell} isn't here just now; ask again`);
      return;
    }
    this.#server.keepOpen(response);
    const { method, url, headers } = request;
    const asked = httpRequest(
      { socketPath, method, path: url, headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode as number, answer.headers);
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      },
    );
    asked.on('error', (error) => {
      if (response.headersSent) response.destroy();
      else refuse(response, `cell ${cell} does not answer: ${error.message}`);
    });
    response.on('close', () => asked.destroy());
    request.pipe(asked);
  }
}

function refuse(response: ServerResponse, message: string): void {
  const body = `${JSON.stringify({ code: 'PROCESS_AWAY', message })}\n`;
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1' });
  response.end(body);
}
