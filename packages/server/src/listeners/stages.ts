import type { Socket } from 'node:net';
import type { ListenerTerms } from '../connection/transport.ts';
import { type AdoptedOrigin, Arrival } from './arrival.ts';
import {
  type Content,
  type FirstBytesOptions,
  type Opening,
  readFirstBytes,
} from './first-bytes.ts';
import type { ListenerHost } from './host.ts';
import type { LoadedListener } from './loaded-listener.ts';
import { addressOf, hostOf } from './peer-address.ts';
import type { ListenerKind, WebSocketProfile } from './profile.ts';
import { forwardedAddress } from './proxy/forwarded-for.ts';
import { TrustedProxies } from './proxy/trusted-proxies.ts';
import { acceptMqtt } from './tcp.ts';
import type { CertificateExpiry } from './tls/certificate-check.ts';
import { TlsHandshakes } from './tls/tls-handshake.ts';
import { WebSocketServer } from './websocket/websocket.ts';

/** What the sockets of a listener go through, from accept until MQTT begins. */
export class Stages {
  readonly #host: ListenerHost;
  readonly #trustedProxies: TrustedProxies;
  readonly #webSockets: WebSocketServer;
  #loaded: LoadedListener;
  /** What clients get that come from now on. */
  terms: ListenerTerms;
  /** Null where TLS isn't taken. */
  #handshakes: TlsHandshakes | null;

  constructor(host: ListenerHost, loaded: LoadedListener) {
    this.#host = host;
    this.#trustedProxies = new TrustedProxies();
    this.#webSockets = new WebSocketServer(host, this);
    this.#loaded = loaded;
    this.terms = loaded.profile.terms;
    this.#handshakes = null;
    this.reconfigure(loaded);
  }

  /** What holds from now on: for sockets that are under way, at their next stage. */
  reconfigure(loaded: LoadedListener): void {
    const { profile, tls } = loaded;
    this.#loaded = loaded;
    // Those who are connected by former terms count, too.
    this.terms = { ...profile.terms, clients: this.terms.clients };
    this.#trustedProxies.set(profile.proxyTrusted);
    if (tls === null) this.#handshakes = null;
    else if (this.#handshakes === null) this.#handshakes = new TlsHandshakes(tls);
    else this.#handshakes.setFiles(tls);
  }

  /** Whether MQTT is taken at the same address without WebSocket, too. */
  get takesMqtt(): boolean {
    return this.#loaded.profile.kind === 'auto';
  }

  get certificates(): readonly CertificateExpiry[] {
    return this.#loaded.tls?.certificates ?? [];
  }

  get webSocket(): WebSocketProfile {
    return this.#loaded.profile.webSocket;
  }

  /** The address of who sent an HTTP request, as far as proxies on its way are trusted; null: that of the connection. */
  forwardedAddress(address: string, header: string): string | null {
    if (!this.#loaded.profile.forwardedFor) return null;
    return forwardedAddress(address, header, this.#trustedProxies);
  }

  /** A socket was accepted. */
  begin(socket: Socket): void {
    const { kind, prefix, proxyProtocol } = this.#loaded.profile;
    const arrival = arrive(this.#host, socket);
    if (arrival === null) return;
    const isTrusted = proxyProtocol !== 'off' && this.#trustedProxies.has(hostOf(socket));
    const isProxyOptional = kind === 'auto';
    if (proxyProtocol !== 'off' && !isTrusted && !isProxyOptional) {
      const why = `not from an address of ${prefix}proxy-trusted, as every connection has to be here`;
      arrival.refuse('proxy', why);
      return;
    }
    if (!this.#isProxied(socket) && !arrival.locate()) return;
    const firstBytes = {
      opening: OPENINGS[kind],
      proxyVersions: proxyProtocol === 'off' || !isTrusted ? null : proxyProtocol,
      isProxyOptional,
    };
    readFirstBytes(arrival, socket, firstBytes, (content) => {
      this.#begin(arrival, socket, content);
    });
  }

  /** A socket that another process has accepted and read from: MQTT begins at once. */
  adopt(socket: Socket, { address, ageMs, read }: AdoptedOrigin): void {
    const arrival = arrive(this.#host, socket, ageMs);
    if (arrival === null) return;
    arrival.address = address;
    socket.unshift(read);
    acceptMqtt(this.#host, arrival, socket, this.terms);
  }

  /** It is known what comes: goes through TLS, if it is that. */
  #begin(arrival: Arrival, socket: Socket, content: Content): void {
    const { kind, prefix } = this.#loaded.profile;
    if (content !== 'tls') {
      this.#accept(arrival, socket, content);
    } else if (this.#handshakes === null) {
      arrival.refuse(
        'protocol',
        `looks like TLS: ${prefix}cert says by which certificate to take it`,
      );
    } else {
      this.#handshakes.begin(arrival, (secure) => {
        if (kind !== 'auto') {
          this.#accept(arrival, secure, kind === 'wss' ? 'http' : 'mqtt');
          return;
        }
        arrival.enter('first-bytes');
        readFirstBytes(arrival, secure, INSIDE, (inner) => this.#accept(arrival, secure, inner));
      });
    }
  }

  /** Whether it isn't known yet from where the client comes. */
  #isProxied(socket: Socket): boolean {
    const { proxyProtocol, forwardedFor } = this.#loaded.profile;
    return (proxyProtocol !== 'off' || forwardedFor) && this.#trustedProxies.has(hostOf(socket));
  }

  /** What comes next is MQTT, or HTTP. */
  #accept(arrival: Arrival, socket: Socket, content: Content): void {
    if (content === 'http') this.#webSockets.take(arrival, socket);
    else if (arrival.locate()) acceptMqtt(this.#host, arrival, socket, this.terms);
  }
}

/** @returns null when there is no place for it, and it was closed */
function arrive(host: ListenerHost, socket: Socket, ageMs = 0): Arrival | null {
  const place = host.places.take();
  if (typeof place !== 'string') return new Arrival(host, socket, place, ageMs);
  host.onSocketRefused('limit', addressOf(socket), `too many that have not connected (${place})`);
  socket.on('error', () => {});
  socket.destroy();
  return null;
}

const OPENINGS: Readonly<Record<ListenerKind, Opening>> = {
  tcp: 'mqtt',
  unix: 'mqtt',
  ws: 'http',
  tls: 'tls',
  wss: 'tls',
  auto: 'any',
};

const INSIDE: FirstBytesOptions = {
  opening: 'any-inside',
  proxyVersions: null,
  isProxyOptional: false,
};
