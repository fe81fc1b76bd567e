import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long what comes with a request that was refused is thrown away, so that its sender reads the answer. */
const DRAIN_MS = 1000;

/**
 * Reads what comes with a request.
 *
 * @returns null when it is more than `bytesMax`, or the client has gone; what comes after is for `endRefused`
 */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) return Promise.resolve(null);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (body: Buffer | null) => {
      request.off('data', onData);
      resolve(body);
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > bytesMax) finish(null);
    };
    request.on('data', onData);
    request.once('end', () => finish(Buffer.concat(chunks)));
    request.once('close', () => finish(null));
    request.on('error', () => finish(null));
  });
}

/** Answers a request whose body wasn't read; its connection ends. */
export function endRefused(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  if (response.destroyed) return;
  const length = Buffer.byteLength(body);
  response.writeHead(status, { ...headers, 'content-length': length, connection: 'close' });
  if (request.complete || !hasBody(request)) {
    response.end(body);
    return;
  }
  // What nobody reads would have the system cut the connection before its client has read this.
  response.write(body);
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, DRAIN_MS);
  timer.unref();
  request.once('end', end);
  request.once('close', end);
  request.resume();
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}
