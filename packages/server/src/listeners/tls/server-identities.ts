import { constants } from 'node:crypto';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocketOptions,
} from 'node:tls';
import { pskOptions } from './psk.ts';
import type { TlsFiles } from './tls-files.ts';

/** Sessions of clients with certificates are resumed only within the same context. */
const SESSION_CONTEXT = 'promptmq';

/** Who a listener says it is: a certificate, or several by the host that a client asks for (SNI, RFC 6066). */
export class ServerIdentities {
  /** For a server's `TLSSocket`. */
  readonly options: TLSSocketOptions;
  readonly #exact: ReadonlyMap<string, SecureContext>;
  /** By what comes after `*`. */
  readonly #wildcards: ReadonlyMap<string, SecureContext>;

  constructor({ identities, profile, pskKeys }: TlsFiles) {
    const [first, ...others] = identities.map(({ hosts, options }) => ({
      hosts,
      context: contextOf(options, pskKeys !== null),
    }));
    const exact = new Map<string, SecureContext>();
    const wildcards = new Map<string, SecureContext>();
    // Of several for the same host, the first counts.
    for (const { hosts, context } of others.reverse()) {
      for (const host of hosts) {
        if (host.startsWith('*.')) wildcards.set(host.slice(1), context);
        else exact.set(host, context);
      }
    }
    this.#exact = exact;
    this.#wildcards = wildcards;
    this.options = {
      ...(first === undefined ? {} : { secureContext: first.context }),
      ...(others.length === 0
        ? {}
        : { SNICallback: (host, onFound) => onFound(null, this.#contextFor(host)) }),
      ...(profile.alpn.length === 0 ? {} : { ALPNProtocols: [...profile.alpn] }),
      ...(pskKeys === null ? {} : pskOptions(pskKeys)),
    };
  }

  /** Undefined leaves the first. */
  #contextFor(host: string): SecureContext | undefined {
    const name = host.toLowerCase();
    const dot = name.indexOf('.');
    return this.#exact.get(name) ?? (dot < 1 ? undefined : this.#wildcards.get(name.slice(dot)));
  }
}

/** @param isWithoutTickets - a session that is resumed doesn't say whose key it was made with */
function contextOf(files: SecureContextOptions, isWithoutTickets: boolean): SecureContext {
  return createSecureContext({
    ...files,
    sessionIdContext: SESSION_CONTEXT,
    // A client that asks for another handshake costs a hundred times what it pays.
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION |
      constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
      (isWithoutTickets ? constants.SSL_OP_NO_TICKET : 0),
  });
}
