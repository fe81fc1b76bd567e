/** A certificate of a listener. */
export interface CertificateInfo {
  /** Its common name, or its whole subject. */
  readonly name: string;
  readonly expires_at: string;
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
  readonly certificates?: readonly CertificateInfo[];
}

const DAY_MS = 86_400_000;

/** Days until a certificate expires; negative when it has. */
export function daysLeft({ expires_at: at }: CertificateInfo, now: number): number {
  return Math.floor((Date.parse(at) - now) / DAY_MS);
}
