import { MountPoint } from '@promptmq/topics';
import { type Address, type Config, listenerName } from '../config/index.ts';
import type { ListenerTerms } from '../connection/transport.ts';
import { RATE_KINDS, RateAccount, type Rates } from '../limits/rates/keyed-rates.ts';
import type { ProxyVersions } from './proxy/proxy-header.ts';

type ListenerConfig = Config['listeners'][number];

/** What a listener takes. */
export type ListenerKind = ListenerConfig['kind'];

/** A certificate with its key, as files. */
export interface CertificateFiles {
  /** The part of the configuration that names them, such as `server.tls`. */
  readonly section: string;
  readonly cert: string;
  readonly key: string;
  readonly passphrase: string;
  /** For clients that ask for one of these hosts; empty: those that it is for. */
  readonly hosts: readonly string[];
}

/** How a listener uses TLS. */
export interface TlsProfile {
  /** The part of the configuration that says so, such as `server.tls`. */
  readonly section: string;
  /** The first is for clients that ask for none, or for a host of none; there may be none where there are keys. */
  readonly certificates: readonly CertificateFiles[];
  /** Pre-shared keys (TLS-PSK); null: none. */
  readonly pskFile: string | null;
  readonly ca: string | null;
  /** Lists of revoked certificates. */
  readonly crl: string | null;
  readonly clientCertificates: 'none' | 'optional' | 'require';
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** As OpenSSL has them; empty: the usual ones. */
  readonly ciphers: string;
  /** Application protocols; empty: none is agreed on. */
  readonly alpn: readonly string[];
}

/** How a listener takes WebSockets. */
export interface WebSocketProfile {
  /** Where it is looked for, without a slash at the end. */
  readonly paths: readonly string[];
  /** Web pages whose scripts may connect; empty: any. */
  readonly allowedOrigins: readonly string[];
  /** The option that says so. */
  readonly originsKey: string;
  /** Bytes that a compressed message may be inflated to; 0: none is compressed. */
  readonly deflatedBytesMax: number;
}

/** A listener as the configuration has it, wherever it says so. */
export interface ListenerProfile {
  /** What comes before the names of its options, such as `server.` or `listeners[1].`. */
  readonly prefix: string;
  readonly terms: ListenerTerms;
  readonly kind: ListenerKind;
  readonly addresses: readonly Address[];
  /** The option that has the addresses. */
  readonly bindKey: string;
  /** What helps when an address can't be bound; null: nothing in particular. */
  readonly bindHint: string | null;
  /** Null where TLS isn't taken. */
  readonly tls: TlsProfile | null;
  readonly proxyProtocol: 'off' | ProxyVersions;
  readonly proxyTrusted: readonly string[];
  /** Whether X-Forwarded-For of trusted proxies is believed. */
  readonly forwardedFor: boolean;
  readonly webSocket: WebSocketProfile;
}

/** Where clients look for the broker; more slashes before or after it do no harm. */
const BROKER_PATHS: readonly string[] = ['/mqtt', '/'];

/** All listeners of a configuration, in the order in which they are opened. */
export function listenerProfiles({ server, listeners }: Config): ListenerProfile[] {
  return [...serverProfiles(server), ...listeners.map(listedProfile)];
}

/** Those that the section `server` names, which share its settings. */
function serverProfiles(server: Config['server']): ListenerProfile[] {
  const tls = serverTls(server.tls);
  const flat = (
    kind: ListenerKind,
    option: string,
    addresses: readonly Address[],
    tlsProfile: TlsProfile | null,
  ): ListenerProfile => ({
    prefix: 'server.',
    terms: {
      name: kind,
      versions: null,
      mountPoint: null,
      maxConnections: Number.POSITIVE_INFINITY,
      rates: null,
      clients: { count: 0 },
    },
    kind,
    addresses,
    bindKey: `server.${option}`,
    bindHint: `--${option} chooses another, or none`,
    tls: tlsProfile,
    proxyProtocol: server.proxyProtocol,
    proxyTrusted: server.proxyTrusted,
    forwardedFor: false,
    webSocket: {
      paths: BROKER_PATHS,
      allowedOrigins: server.wsAllowedOrigins,
      originsKey: 'server.ws-allowed-origins',
      deflatedBytesMax: 0,
    },
  });
  const plain = [
    flat('tcp', 'bind', server.bind, null),
    flat('ws', 'ws-bind', server.wsBind, null),
  ];
  if (tls === null) return plain;
  return [
    ...plain,
    flat('tls', 'tls-bind', server.tlsBind, tls),
    flat('wss', 'wss-bind', server.wssBind, tls),
  ];
}

function serverTls(tls: Config['server']['tls']): TlsProfile | null {
  const { cert, key, keyPassphrase, ca, clientCertificates, minVersion } = tls;
  if (cert === null || key === null) return null;
  const section = 'server.tls';
  return {
    section,
    certificates: [{ section, cert, key, passphrase: keyPassphrase, hosts: [] }],
    pskFile: null,
    ca,
    crl: null,
    clientCertificates,
    minVersion,
    ciphers: '',
    alpn: [],
  };
}

/** Null where nothing is limited. */
function accountOf(name: string, rates: Rates): RateAccount | null {
  const isLimited = RATE_KINDS.some((kind) => rates[kind] !== null);
  return isLimited ? new RateAccount(name, rates) : null;
}

/** One of the list. */
function listedProfile(listener: ListenerConfig, index: number): ListenerProfile {
  const { kind, bind, versions, maxConnections, rates, proxyProtocol, proxyTrusted, mountPoint } =
    listener;
  const section = `listeners[${index}]`;
  return {
    prefix: `${section}.`,
    terms: {
      name: listenerName(listener),
      versions: versions.length === 0 ? null : versions,
      mountPoint: mountPoint === '' ? null : new MountPoint(mountPoint),
      maxConnections: maxConnections === 0 ? Number.POSITIVE_INFINITY : maxConnections,
      rates: accountOf(listenerName(listener), rates),
      clients: { count: 0 },
    },
    kind,
    addresses: bind,
    bindKey: `${section}.bind`,
    bindHint: null,
    tls: listedTls(listener, section),
    proxyProtocol,
    proxyTrusted,
    forwardedFor: listener.forwardedFor,
    webSocket: {
      paths: listener.path.map((path) => `/${path.split('/').filter(Boolean).join('/')}`),
      allowedOrigins: listener.allowedOrigins,
      originsKey: `${section}.allowed-origins`,
      deflatedBytesMax: listener.deflate ? listener.deflateMaxSize : 0,
    },
  };
}

function listedTls(listener: ListenerConfig, section: string): TlsProfile | null {
  const { cert, key, keyPassphrase, sni, alpn, kind, pskFile } = listener;
  const isComplete = cert !== null && key !== null;
  if (!isComplete && pskFile === null) return null;
  const { ca, crl, clientCertificates, minVersion, ciphers } = listener;
  return {
    section,
    certificates: [
      ...(isComplete ? [{ section, cert, key, passphrase: keyPassphrase, hosts: [] }] : []),
      ...sni.map((one, index) => ({
        section: `${section}.sni[${index}]`,
        cert: one.cert,
        key: one.key,
        passphrase: one.keyPassphrase,
        hosts: one.hosts,
      })),
    ],
    pskFile,
    ca,
    crl,
    clientCertificates,
    minVersion,
    ciphers,
    // Browsers, and whoever speaks HTTP, name that.
    alpn: alpn.length > 0 && kind !== 'tls' ? [...new Set([...alpn, 'http/1.1'])] : alpn,
  };
}
