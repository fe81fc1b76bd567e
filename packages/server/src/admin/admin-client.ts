import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { SlowSubscriber } from '../observability/index.ts';

/** What `GET /status` answers. */
export interface AdminStatus {
  readonly pid: number;
  readonly version: string;
  readonly uptimeSeconds: number;
  /** Such as `mqtt 127.0.0.1:1883`. */
  readonly listeners: readonly string[];
  readonly connections: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retained: number;
  /** Most first. */
  readonly slowSubscribers: readonly SlowSubscriber[];
}

/**
 * Asks the broker that listens on an admin socket.
 *
 * @param method - GET for what changes nothing
 * @returns its answer; null when no broker listens there
 * @throws when the socket may not be opened, or the broker refuses
 */
export async function adminRequest(
  socketPath: string,
  path: string,
  method: 'GET' | 'POST' = 'GET',
  body = '',
): Promise<unknown> {
  const response = await adminStream(socketPath, path, method, body);
  return response === null ? null : JSON.parse(await text(response));
}

/** As `adminRequest`, with an answer that continues; destroying it ends the request. */
export async function adminStream(
  socketPath: string,
  path: string,
  method: 'GET' | 'POST' = 'GET',
  body = '',
): Promise<IncomingMessage | null> {
  const response = await new Promise<IncomingMessage | null>((resolve, reject) => {
    const request = httpRequest({ socketPath, path, method, agent: false }, resolve);
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(null);
      else if (error.code === 'EACCES' || error.code === 'EPERM') {
        reject(new Error(`${socketPath} can be opened only by the user that the broker runs as`));
      } else reject(error);
    });
    request.end(body);
  });
  if (response !== null && response.statusCode !== 200) {
    const { error, message } = JSON.parse(await text(response)) as {
      error?: string;
      message?: string;
    };
    throw new Error(`the broker refuses: ${error ?? message}`);
  }
  return response;
}
