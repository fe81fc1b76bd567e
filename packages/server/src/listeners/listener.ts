import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import type { Address } from '../config/index.ts';

/** A socket that accepts connections. */
export interface Listener {
  readonly protocol: 'mqtt' | 'ws';
  /** Where it listens, with the real port where 0 was asked for; the path of a Unix domain socket. */
  readonly address: string;
  /** For clients, such as `mqtt://127.0.0.1:1883`; a wildcard address is given as localhost. */
  readonly url: string;
  /** Stops accepting at once; resolves when the connections that it accepted are closed, too. */
  close(): Promise<void>;
}

/**
 * Binds a server.
 *
 * @throws the system's error (EADDRINUSE, EACCES …), with the address in its message
 */
export function listen(
  server: Server | HttpServer,
  address: Address,
  protocol: Listener['protocol'],
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const onListening = () => {
      server.off('error', reject);
      resolve(describe(server, protocol));
    };
    if (address.kind === 'unix') server.listen(address.path, onListening);
    else server.listen({ host: address.host, port: address.port, backlog: 1024 }, onListening);
  });
}

function describe(server: Server | HttpServer, protocol: Listener['protocol']): Listener {
  const bound = server.address() as AddressInfo | string;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      if ('closeAllConnections' in server) server.closeAllConnections();
    });
  if (typeof bound === 'string') {
    return { protocol, address: bound, url: `${protocol}+unix://${bound}`, close };
  }
  const isIPv6 = bound.family === 'IPv6';
  const isWildcard = bound.address === '0.0.0.0' || bound.address === '::';
  const host = isIPv6 ? `[${bound.address}]` : bound.address;
  return {
    protocol,
    address: `${host}:${bound.port}`,
    url: `${protocol}://${isWildcard ? 'localhost' : host}:${bound.port}`,
    close,
  };
}
