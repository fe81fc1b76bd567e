import type { Address, Config } from '../config/index.ts';
import type { ListenerTerms } from '../connection/transport.ts';
import type { ProxyVersions } from './proxy-header.ts';

/** What a listener takes. */
export type ListenerKind = 'tcp' | 'tls' | 'ws' | 'wss';

/** A certificate with its key, as files. */
export interface CertificateFiles {
  /** The part of the configuration that names them, such as `server.tls`. */
  readonly section: string;
  readonly cert: string;
  readonly key: string;
  readonly passphrase: string;
}

/** How a listener uses TLS. */
export interface TlsProfile {
  /** The part of the configuration that says so, such as `server.tls`. */
  readonly section: string;
  readonly certificate: CertificateFiles;
  readonly ca: string | null;
  readonly clientCertificates: 'none' | 'optional' | 'require';
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** How a listener takes WebSockets. */
export interface WebSocketProfile {
  /** Where it is looked for, without a slash at the end. */
  readonly paths: readonly string[];
  /** Web pages whose scripts may connect; empty: any. */
  readonly allowedOrigins: readonly string[];
  /** The option that says so. */
  readonly originsKey: string;
}

/** A listener as the configuration has it, wherever it says so. */
export interface ListenerProfile {
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
  readonly webSocket: WebSocketProfile;
}

/** Where clients look for the broker; more slashes before or after it do no harm. */
const BROKER_PATHS: readonly string[] = ['/mqtt', '/'];

/** All listeners of a configuration, in the order in which they are opened. */
export function listenerProfiles({ server }: Config): ListenerProfile[] {
  const tls = serverTls(server.tls);
  const flat = (
    kind: ListenerKind,
    option: string,
    addresses: readonly Address[],
    tlsProfile: TlsProfile | null,
  ): ListenerProfile => ({
    terms: { name: kind },
    kind,
    addresses,
    bindKey: `server.${option}`,
    bindHint: `--${option} chooses another, or none`,
    tls: tlsProfile,
    proxyProtocol: server.proxyProtocol,
    proxyTrusted: server.proxyTrusted,
    webSocket: {
      paths: BROKER_PATHS,
      allowedOrigins: server.wsAllowedOrigins,
      originsKey: 'server.ws-allowed-origins',
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
    certificate: { section, cert, key, passphrase: keyPassphrase },
    ca,
    clientCertificates,
    minVersion,
  };
}
