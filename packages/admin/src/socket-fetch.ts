import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** Answers that have no body (RFC 9110, 15). */
const WITHOUT_BODY = [101, 204, 205, 304];

/** As `fetch`, over a Unix domain socket: who may open it has all scopes. */
export function socketFetch(socketPath: string): (request: Request) => Promise<Response> {
  return async (request) => {
    const body = request.body === null ? null : new Uint8Array(await request.arrayBuffer());
    const { pathname, search } = new URL(request.url);
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      const { method, signal } = request;
      const headers = Object.fromEntries(request.headers);
      if (body !== null) headers['content-length'] = `${body.length}`;
      const path = `${pathname}${search}`;
      const sent = httpRequest(
        { socketPath, path, method, headers, signal, agent: false },
        resolve,
      );
      sent.on('error', reject);
      sent.end(body ?? undefined);
    });
    return responseOf(message);
  };
}

function responseOf(message: IncomingMessage): Response {
  const { statusCode = 500, statusMessage = '', rawHeaders } = message;
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] as string, rawHeaders[index + 1] as string);
  }
  const options = { status: statusCode, statusText: statusMessage, headers };
  if (WITHOUT_BODY.includes(statusCode)) {
    message.resume();
    return new Response(null, options);
  }
  return new Response(Readable.toWeb(message) as ReadableStream<Uint8Array>, options);
}
