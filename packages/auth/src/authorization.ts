import type { CertificateFacts } from './credentials.ts';

/** What a client that was let in wants to do, as a provider is asked about it. */
export interface AuthorizeRequest {
  readonly clientId: string;
  /** Who it has proved to be; null for nobody. */
  readonly userName: string | null;
  /** Without its port; empty where there is none. */
  readonly address: string;
  /** As in `Credentials`. */
  readonly protocol: string;
  readonly version: 3 | 4 | 5;
  readonly listener: string;
  readonly certificate: CertificateFacts | null;
  /** What the provider that let it in said of it. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly action: 'publish' | 'subscribe';
  /** The topic name of a PUBLISH, or the whole topic filter of a SUBSCRIBE, `$share/NAME/` included. */
  readonly topic: string;
  /** Of the PUBLISH, or asked for by the SUBSCRIBE. */
  readonly qos: 0 | 1 | 2;
  /** RETAIN of the PUBLISH; false for a SUBSCRIBE. */
  readonly retain: boolean;
}

/** What a provider says to it. */
export interface Authorization {
  /** `pass`: it has nothing to say, and the next one is asked. */
  readonly result: 'allow' | 'deny' | 'pass';
  /** How long this holds for the same request of the same client, in milliseconds; 0: each time is asked. */
  readonly holdsMs: number;
}
