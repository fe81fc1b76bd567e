import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { SecureContextOptions, TlsOptions, Server as TlsServer } from 'node:tls';
import type { Broker } from '../broker.ts';
import type { Address } from '../config/index.ts';
import { createProxyFront, type PeerAddresses } from './proxy-front.ts';

/** A socket that accepts connections. */
export interface Listener {
  readonly protocol: 'mqtt' | 'ws' | 'mqtts' | 'wss';
  /** Where it listens, with the real port where 0 was asked for; the path of a Unix domain socket. */
  readonly address: string;
  /** For clients, such as `mqtt://127.0.0.1:1883`; a wildcard address is given as localhost. */
  readonly url: string;
  /** Has new connections use other certificates; only listeners for TLS have it. */
  readonly setTlsFiles?: (files: SecureContextOptions) => void;
  /** Changes how many connections it takes at a time. */
  setConnectionsMax(count: number): void;
  /** Stops accepting at once; resolves when the connections that it accepted are closed, too. */
  close(): Promise<void>;
  /** Cuts the connections that are left: those in a handshake, which the broker doesn't know of. */
  cut(): void;
}

/** What every server of the broker is created with. */
export function serverOptions(broker: Broker) {
  return { noDelay: true, allowHalfOpen: true, highWaterMark: broker.config.server.readBuffer };
}

/** The same for TLS: what clients have to show is settled when the broker starts. */
export function tlsServerOptions(broker: Broker, files: SecureContextOptions): TlsOptions {
  const { clientCertificates } = broker.config.server.tls;
  return {
    ...serverOptions(broker),
    ...files,
    handshakeTimeout: broker.config.mqtt.connectTimeout,
    requestCert: clientCertificates !== 'none',
    rejectUnauthorized: clientCertificates === 'require',
  };
}

/**
 * Binds a server, behind a reader of PROXY protocol headers if there is to be one.
 *
 * @throws the system's error (EADDRINUSE, EACCES …), with the address in its message
 */
export function listen(
  broker: Broker,
  server: Server | HttpServer | HttpsServer | TlsServer,
  address: Address,
  protocol: Listener['protocol'],
  addresses: PeerAddresses,
): Promise<Listener> {
  const { proxyProtocol, readBuffer } = broker.config.server;
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    broker.onRefusedByListener(addresses.get(socket), `TLS: ${error.message}`);
  });
  const bound =
    proxyProtocol === 'off'
      ? server
      : createProxyFront(server, addresses, {
          versions: proxyProtocol,
          timeoutMs: broker.config.mqtt.connectTimeout,
          highWaterMark: readBuffer,
          onRefused: (peer, why) => broker.onRefusedByListener(peer, why),
        });
  // Connections that are in a handshake count, too.
  bound.maxConnections = broker.socketsMax;
  return new Promise((resolve, reject) => {
    bound.once('error', reject);
    const onListening = () => {
      bound.off('error', reject);
      resolve(describe(bound, server, protocol));
    };
    if (address.kind === 'unix') bound.listen(address.path, onListening);
    else bound.listen({ host: address.host, port: address.port, backlog: 1024 }, onListening);
  });
}

function describe(bound: Server, server: Server, protocol: Listener['protocol']): Listener {
  const sockets = new Set<Socket>();
  bound.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const address = bound.address() as AddressInfo | string;
  const close = () =>
    new Promise<void>((resolve) => {
      bound.close(() => resolve());
      if ('closeAllConnections' in server) (server as HttpServer).closeAllConnections();
    });
  const common = {
    protocol,
    close,
    setConnectionsMax: (count: number) => {
      bound.maxConnections = count;
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    ...('setSecureContext' in server
      ? {
          setTlsFiles: (files: SecureContextOptions) =>
            (server as TlsServer).setSecureContext(files),
        }
      : {}),
  };
  if (typeof address === 'string') {
    return { ...common, address, url: `${protocol}+unix://${address}` };
  }
  const isWildcard = address.address === '0.0.0.0' || address.address === '::';
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    ...common,
    address: `${host}:${address.port}`,
    url: `${protocol}://${isWildcard ? 'localhost' : host}:${address.port}`,
  };
}
