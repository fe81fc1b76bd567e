/** What a client that connects says of itself, and how it came. Only the address and what TLS has proved are to be believed. */
export interface Credentials {
  /** As in CONNECT; empty where the client leaves it to the broker. */
  readonly clientId: string;
  /** As in CONNECT; null where it has none (§3.1.3.5). */
  readonly userName: string | null;
  /** As in CONNECT; null where it has none (§3.1.3.6). It is not to be kept or changed. */
  readonly password: Uint8Array | null;
  /** Of the client, without its port: the one that a trusted proxy names, where there is one. Empty where there is none. */
  readonly address: string;
  /** How it is connected: `tcp`, `tls`, `websocket`, `websocket-tls`, `inside`, or what a program calls the stream that it attached. */
  readonly protocol: string;
  /** Of MQTT: 3 is 3.1, 4 is 3.1.1, 5 is 5.0. */
  readonly version: 3 | 4 | 5;
  /** Clean Start, before MQTT 5 Clean Session. */
  readonly cleanStart: boolean;
  /** Seconds. */
  readonly keepAlive: number;
  /** The name of the listener that it came by; empty where it came by none. */
  readonly listener: string;
  /** The certificate that the client has proved to own; null without one. */
  readonly certificate: CertificateFacts | null;
  /** The identity whose key the client has proved to know (TLS-PSK); null without one. */
  readonly pskIdentity: string | null;
}

/** What an X.509 certificate that was verified says of its owner. */
export interface CertificateFacts {
  /** Its subject by the short names of its fields: `CN`, `OU`, `O`, `L`, `ST`, `C`, `emailAddress`, `serialNumber`. The first where one comes several times. */
  readonly subject: Readonly<Record<string, string>>;
  /** Of whoever signed it, as `subject`. */
  readonly issuer: Readonly<Record<string, string>>;
  /** With their kinds, such as `DNS:device-1.example`, `email:a@example.com`, `URI:urn:x`. */
  readonly subjectAltNames: readonly string[];
  /** Hexadecimal. */
  readonly serialNumber: string;
  /** SHA-256, in hexadecimal with colons. */
  readonly fingerprint256: string;
  /** Milliseconds since 1970. */
  readonly validTo: number;
}
