import { connect as connectNet, type Socket } from 'node:net';
import { createServer, type Server, connect as tlsConnect } from 'node:tls';
import { LinkError } from './link-error.ts';

/** What both sides of a link show and check, as PEM: whoever has a certificate that one of `ca` has signed is let in to the handshake. */
export interface LinkTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface TlsDoorOptions {
  /** Asked for each connection: another object when something has changed. */
  readonly tls: () => LinkTls;
  /** How long a handshake of TLS may take, in milliseconds. */
  readonly handshakeMs: number;
  readonly onSecure: (socket: Socket) => void;
  readonly onFailed: (error: Error) => void;
}

/** Has connections that others have made begin with TLS, with a certificate of theirs. */
export class TlsDoor {
  readonly #options: TlsDoorOptions;
  readonly #server: Server;
  #used: LinkTls;

  constructor(options: TlsDoorOptions) {
    const { tls, handshakeMs, onSecure, onFailed } = options;
    this.#options = options;
    this.#used = tls();
    this.#server = createServer(
      {
        ...this.#used,
        ...{ requestCert: true, rejectUnauthorized: true, handshakeTimeout: handshakeMs },
      },
      onSecure,
    );
    this.#server.on('tlsClientError', (error) => onFailed(failureOf(error)));
  }

  /** `onSecure` or `onFailed` follows. */
  take(socket: Socket): void {
    const tls = this.#options.tls();
    if (tls !== this.#used) this.#server.setSecureContext({ ...tls });
    this.#used = tls;
    this.#server.emit('connection', socket);
  }
}

/**
 * Connects to another process.
 *
 * @param tls - null: without TLS, and it need not be connected yet
 * @param onSocket - gets what is to be destroyed when it takes too long
 * @throws {LinkError} by rejection, `tls`; the system's error
 */
export function connectLink(
  address: string | { readonly host: string; readonly port: number },
  tls: LinkTls | null,
  onSocket: (socket: Socket) => void,
): Promise<Socket> {
  if (tls === null || typeof address === 'string') {
    const socket = connectNet(
      typeof address === 'string' ? { path: address } : { ...address, noDelay: true },
    );
    onSocket(socket);
    return Promise.resolve(socket);
  }
  return new Promise((resolve, reject) => {
    // The authority signs for nodes only, wherever they are: the name of the machine says nothing.
    const socket = tlsConnect({ ...address, ...tls, checkServerIdentity: () => undefined });
    onSocket(socket);
    const onError = (error: Error) => reject(failureOf(error));
    socket.once('error', onError);
    socket.once('close', () => reject(new Error('closed by the other side')));
    socket.once('secureConnect', () => {
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

/** What the system says of a connection stays as it is; all else is of certificates. */
function failureOf(error: NodeJS.ErrnoException): Error {
  const isOfNetwork = error.syscall !== undefined || error.code === 'ECONNRESET';
  return isOfNetwork ? error : new LinkError('tls', `TLS: ${error.message}`);
}
