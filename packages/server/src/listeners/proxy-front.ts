import { createServer, type Server, type Socket } from 'node:net';
import { type ProxyVersions, parseProxyHeader } from './proxy-header.ts';

export interface ProxyFrontOptions {
  readonly versions: ProxyVersions;
  /** Milliseconds in which the header has to come. */
  readonly timeoutMs: number;
  /** Bytes, as of `createServer`. */
  readonly highWaterMark: number;
  /** Told of a connection that is closed because of its header. */
  readonly onRefused: (address: string, why: string) => void;
}

/** What the peer of a socket is called: by the proxy before it, or by its own address. */
export class PeerAddresses {
  /** A TLS socket is another object than the socket under it, but with the same address and port. */
  readonly #sources = new Map<string, string>();

  set(socket: Socket, source: string): void {
    const key = addressOf(socket);
    this.#sources.set(key, source);
    socket.once('close', () => this.#sources.delete(key));
  }

  get(socket: Socket): string {
    const key = addressOf(socket);
    return this.#sources.get(key) ?? key;
  }
}

/** The address and port of the other end, as in `192.0.2.1:50000`; `unix` on a Unix domain socket. */
function addressOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined ? 'unix' : `${remoteAddress}:${remotePort}`;
}

/**
 * A server that reads the PROXY protocol header of each connection, then hands the connection to
 * another server as if that had accepted it. The other server doesn't listen by itself.
 */
export function createProxyFront(
  inner: Server,
  addresses: PeerAddresses,
  options: ProxyFrontOptions,
): Server {
  const { highWaterMark } = options;
  return createServer({ noDelay: true, allowHalfOpen: true, highWaterMark }, (socket) => {
    readHeader(socket, options, (source) => {
      if (source !== null) addresses.set(socket, source);
      inner.emit('connection', socket);
    });
  });
}

function readHeader(
  socket: Socket,
  { versions, timeoutMs, onRefused }: ProxyFrontOptions,
  onHeader: (source: string | null) => void,
): void {
  let received: Buffer = Buffer.alloc(0);
  const address = addressOf(socket);
  const timer = setTimeout(() => refuse('no whole header in time'), timeoutMs);
  socket.on('readable', onReadable);
  // At the end of the stream half a header is of no use.
  socket.on('end', cut);
  socket.on('error', cut);
  socket.on('close', stop);

  function onReadable(): void {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const header = parseProxyHeader(received, versions);
    if (header.status === 'invalid') {
      refuse(header.why);
    } else if (header.status === 'complete') {
      stop();
      if (received.length > header.size) socket.unshift(received.subarray(header.size));
      onHeader(header.source);
    }
  }

  function cut(): void {
    socket.destroy();
  }

  function stop(): void {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    socket.off('end', cut);
    socket.off('error', cut);
    socket.off('close', stop);
  }

  function refuse(why: string): void {
    stop();
    socket.on('error', cut);
    onRefused(address, why);
    socket.destroy();
  }
}
