/** A certificate of a listener. */
export interface CertificateInfo {
  /** Its common name, or its whole subject. */
  readonly name: string;
  readonly issuer: string;
  readonly expires_at: string;
  /** Negative when it has expired. */
  readonly days_left: number;
}

/** A listener as the API has it. */
export interface ListenerInfo {
  /** Such as `tcp:default`. */
  readonly id: string;
  /** tcp, ssl, ws or wss. */
  readonly type: string;
  readonly name: string;
  readonly bind: string;
  readonly running: boolean;
  readonly current_connections: number;
  readonly max_connections: number;
  /** For clients. */
  readonly urls: readonly string[];
  readonly certificates: readonly CertificateInfo[];
}
