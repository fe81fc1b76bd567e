import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { type Address, isIPv6Only } from '../config/index.ts';
import { Arrival } from './arrival.ts';
import { type Opening, readFirstBytes } from './first-bytes.ts';
import type { ListenerHost } from './host.ts';
import { addressOf, hostOf, joinAddress } from './peer-address.ts';
import { TlsHandshakes } from './tls/tls-handshake.ts';
import { TrustedProxies } from './trusted-proxies.ts';

/** A socket that accepts connections. */
export interface Listener {
  readonly protocol: 'mqtt' | 'ws' | 'mqtts' | 'wss';
  /** Where it listens, with the real port where 0 was asked for; the path of a Unix domain socket. */
  readonly address: string;
  /** For clients, such as `mqtt://127.0.0.1:1883`; a wildcard address is given as localhost. */
  readonly url: string;
  /** Has new connections use other certificates; only listeners for TLS have it. */
  readonly setTlsFiles?: (files: SecureContextOptions) => void;
  /** Stops accepting at once; resolves when the connections that it accepted are closed, too. */
  close(): Promise<void>;
  /** Cuts the connections that are left: those before CONNECT, which the broker doesn't know of. */
  cut(): void;
}

export interface ListenerOptions {
  readonly host: ListenerHost;
  readonly address: Address;
  readonly protocol: Listener['protocol'];
  /** What TLS is made with; null for a listener without. */
  readonly tlsFiles: SecureContextOptions | null;
  /** Given each socket of which the first bytes may be MQTT or HTTP, when its handshake is over. */
  readonly onStream: (arrival: Arrival, stream: Socket) => void;
}

/** Pending connections that the system holds while the broker is busy. */
const BACKLOG = 1024;

/**
 * Binds an address. Every socket is an `Arrival` until its MQTT connection begins, and goes through the same stages: PROXY
 * protocol header, first bytes, TLS.
 *
 * @throws the system's error (EADDRINUSE, EACCES …), with the address in its message
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { host, address, protocol, tlsFiles } = options;
  const stages: Stages = {
    ...options,
    handshakes: tlsFiles === null ? null : new TlsHandshakes(host, tlsFiles),
    trustedProxies: new TrustedProxies(),
  };
  const { handshakes } = stages;
  const { readBuffer, tcpKeepAlive, bind: mqtt, wsBind, tlsBind, wssBind } = host.config.server;
  const openSockets = new Set<Socket>();
  // Half-open only when MQTT has begun: before that, a peer that closes has nothing to wait for.
  const server = createServer(
    {
      noDelay: true,
      allowHalfOpen: false,
      highWaterMark: readBuffer,
      keepAlive: tcpKeepAlive > 0,
      keepAliveInitialDelay: tcpKeepAlive,
    },
    (socket) => {
      if (!host.sockets.take()) {
        host.onSocketRefused('limit', addressOf(socket), 'too many open sockets');
        socket.on('error', () => {});
        socket.destroy();
        return;
      }
      openSockets.add(socket);
      socket.once('close', () => {
        openSockets.delete(socket);
        host.sockets.release();
      });
      begin(stages, socket);
    },
  );
  await bind(server, address, isIPv6Only(address, [...mqtt, ...wsBind, ...tlsBind, ...wssBind]));
  // Accepting fails when the system lacks something; those that come later may be luckier.
  server.on('error', (error) => host.onAcceptFailed(error));
  return {
    ...describe(server, protocol),
    protocol,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
    cut: () => {
      for (const socket of openSockets) socket.destroy();
    },
    ...(handshakes === null
      ? {}
      : { setTlsFiles: (files: SecureContextOptions) => handshakes.setFiles(files) }),
  };
}

interface Stages extends ListenerOptions {
  readonly handshakes: TlsHandshakes | null;
  readonly trustedProxies: TrustedProxies;
}

function begin(
  { host, protocol, handshakes, trustedProxies, onStream }: Stages,
  socket: Socket,
): void {
  const { proxyProtocol, proxyTrusted } = host.config.server;
  const arrival = new Arrival(host, socket);
  trustedProxies.set(proxyTrusted);
  if (proxyProtocol !== 'off' && !trustedProxies.has(hostOf(socket))) {
    const why = 'not from an address of server.proxy-trusted, as every connection has to be here';
    arrival.refuse('proxy', why);
    return;
  }
  const firstBytes = {
    opening: OPENINGS[protocol],
    proxyVersions: proxyProtocol === 'off' ? null : proxyProtocol,
  };
  readFirstBytes(arrival, firstBytes, () => {
    if (handshakes === null) onStream(arrival, socket);
    else handshakes.begin(arrival, (secure) => onStream(arrival, secure));
  });
}

const OPENINGS: Readonly<Record<Listener['protocol'], Opening>> = {
  mqtt: 'mqtt',
  ws: 'http',
  mqtts: 'tls',
  wss: 'tls',
};

/** Without a host, all addresses: those of IPv6 and IPv4 where the machine has both. */
function bind(server: Server, address: Address, ipv6Only: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const onListening = () => {
      server.off('error', reject);
      resolve();
    };
    if (address.kind === 'unix') {
      server.listen(address.path, onListening);
    } else {
      const { host, port } = address;
      const where = { ...(host === '' ? {} : { host }), port, backlog: BACKLOG, ipv6Only };
      server.listen(where, onListening);
    }
  });
}

function describe(server: Server, protocol: Listener['protocol']) {
  const bound = server.address() as AddressInfo | string;
  if (typeof bound === 'string') return { address: bound, url: `${protocol}+unix://${bound}` };
  const address = joinAddress(bound.address, bound.port);
  const isWildcard = bound.address === '0.0.0.0' || bound.address === '::';
  const url = `${protocol}://${isWildcard ? `localhost:${bound.port}` : address}`;
  return { address, url };
}
