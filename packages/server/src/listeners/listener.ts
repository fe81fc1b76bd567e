import {
  type AddressInfo,
  createServer,
  type Server,
  Socket,
  type SocketConstructorOpts,
} from 'node:net';
import { type Address, isIPv6Only } from '../config/index.ts';
import type { ListenerTerms } from '../connection/transport.ts';
import type { AdoptedOrigin } from './arrival.ts';
import type { ListenerHost } from './host.ts';
import type { LoadedListener } from './loaded-listener.ts';
import { addressOf, joinAddress } from './peer-address.ts';
import type { ListenerKind, ListenerProfile } from './profile.ts';
import { Stages } from './stages.ts';
import type { CertificateExpiry } from './tls/certificate-check.ts';

/** A socket that accepts connections. */
export interface Listener {
  /** As in the configuration; those of `server.bind` and the like are called `tcp`, `ws`, `tls` and `wss`. */
  readonly name: string;
  readonly protocol: 'mqtt' | 'ws' | 'mqtts' | 'wss' | 'auto';
  /** Whether it takes connections: `broker.stopListener` ends that, and `startListener` begins it again. */
  readonly isRunning: boolean;
  /** Where it listens, with the real port where 0 was asked for; the path of a Unix domain socket. */
  readonly address: string;
  /** Clients that are connected to it, and to all other addresses of the same name. */
  readonly clientCount: number;
  /** Clients that it takes at a time; Infinity where it has no limit of its own. */
  readonly maxConnections: number;
  /** The certificates that it shows, and those that sign its clients', with when they expire (milliseconds since 1970). */
  readonly certificates: readonly CertificateExpiry[];
  /** For clients, such as `mqtt://127.0.0.1:1883`; a wildcard address is given as localhost. Of one that takes several protocols, the first. */
  readonly url: string;
  /** One for each protocol that it takes. */
  readonly urls: readonly string[];
  /** Stops accepting at once; resolves when the connections that it accepted are closed, too. */
  close(): Promise<void>;
  /** Cuts the connections that are left: those before CONNECT, which the broker doesn't know of. */
  cut(): void;
}

/** The same, as the broker has it. */
export interface BoundListener extends Listener {
  /** As it was opened: its kind and addresses stay, whatever is configured later. */
  readonly opened: Pick<ListenerProfile, 'kind' | 'addresses' | 'prefix'>;
  /**
   * Listens again after `close`, at the same address.
   *
   * @throws as `listen`
   */
  reopen(): Promise<void>;
  /** What its connections get that come now. */
  readonly terms: ListenerTerms;
  /** What connections get that come from now on; its addresses stay. */
  reconfigure(loaded: LoadedListener): void;
  /** Takes a socket that another process has accepted at the same address, and read from. */
  adopt(handle: object, origin: AdoptedOrigin): void;
}

/** Sockets beyond twice the clients allowed: room for those that connect, are refused or close. */
const SPARE_SOCKETS = 100;

/** Pending connections that the system holds while the broker is busy. */
const BACKLOG = 1024;

/**
 * Binds an address of a listener. Every socket is an `Arrival` until its MQTT connection begins, and goes through the same
 * stages: PROXY protocol header, first bytes, TLS, HTTP.
 *
 * @param all - the addresses of all listeners
 * @throws the system's error (EADDRINUSE, EACCES …), with the address in its message
 */
export async function listen(
  host: ListenerHost,
  loaded: LoadedListener,
  address: Address,
  all: readonly Address[] = [address],
): Promise<BoundListener> {
  const stages = new Stages(host, loaded);
  const { readBuffer, tcpKeepAlive } = host.config.server;
  const openSockets = new Set<Socket>();
  const { name } = loaded.profile.terms;
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
      if (takeSocket(socket)) stages.begin(socket);
    },
  );
  const takeSocket = (socket: Socket): boolean => {
    if (!host.sockets.take()) {
      host.onSocketRefused('limit', addressOf(socket), 'too many open sockets');
      socket.on('error', () => {});
      socket.destroy();
      return false;
    }
    if (openSockets.size >= 2 * stages.terms.maxConnections + SPARE_SOCKETS) {
      host.sockets.release();
      host.onSocketRefused(
        'limit',
        addressOf(socket),
        `too many open sockets of the listener ${name}`,
      );
      socket.on('error', () => {});
      socket.destroy();
      return false;
    }
    openSockets.add(socket);
    socket.once('close', () => {
      openSockets.delete(socket);
      host.sockets.release();
    });
    return true;
  };
  const ipv6Only = isIPv6Only(address, all);
  await bind(server, address, ipv6Only);
  // Accepting fails when the system lacks something; those that come later may be luckier.
  const onError = (error: Error) => host.onAcceptFailed(error);
  server.on('error', onError);
  const bound = boundAddress(server, address);
  return {
    ...describe(server, loaded),
    get isRunning() {
      return server.listening;
    },
    reopen: async () => {
      server.off('error', onError);
      try {
        await bind(server, bound, ipv6Only);
      } finally {
        server.on('error', onError);
      }
    },
    protocol: PROTOCOLS[loaded.profile.kind],
    name,
    get certificates() {
      return stages.certificates;
    },
    get maxConnections() {
      return stages.terms.maxConnections;
    },
    get clientCount() {
      return stages.terms.clients.count;
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
    cut: () => {
      for (const socket of openSockets) socket.destroy();
    },
    opened: loaded.profile,
    get terms() {
      return stages.terms;
    },
    adopt: (handle, origin) => {
      const options = { handle, readable: true, writable: true, highWaterMark: readBuffer };
      const socket = new Socket(options as SocketConstructorOpts);
      if (takeSocket(socket)) stages.adopt(socket, origin);
    },
    reconfigure: (next) => stages.reconfigure(next),
  };
}

const PROTOCOLS: Readonly<Record<ListenerKind, Listener['protocol']>> = {
  tcp: 'mqtt',
  unix: 'mqtt',
  ws: 'ws',
  tls: 'mqtts',
  wss: 'wss',
  auto: 'auto',
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

/** With the real port where 0 was asked for. */
function boundAddress(server: Server, address: Address): Address {
  if (address.kind === 'unix') return address;
  return { ...address, port: (server.address() as AddressInfo).port };
}

function describe(server: Server, { profile, tls }: LoadedListener) {
  const protocol = PROTOCOLS[profile.kind];
  const plain = ['mqtt', 'ws'];
  const chosen = tls === null ? plain : [...plain, 'mqtts', 'wss'];
  const schemes = protocol === 'auto' ? chosen : [protocol];
  const bound = server.address() as AddressInfo | string;
  const address = typeof bound === 'string' ? bound : joinAddress(bound.address, bound.port);
  const urls = schemes.map((scheme) => urlOf(scheme, bound));
  return { address, urls, url: urls[0] as string };
}

function urlOf(scheme: string, bound: AddressInfo | string): string {
  if (typeof bound === 'string') return `${scheme}+unix://${bound}`;
  const { address, port } = bound;
  const isWildcard = address === '0.0.0.0' || address === '::';
  return `${scheme}://${isWildcard ? `localhost:${port}` : joinAddress(address, port)}`;
}
