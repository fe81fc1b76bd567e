/** Who a client of NATS is; one of them. */
export type NatsCredentials =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  /** What a file `….creds` has. */
  | { readonly creds: Uint8Array };

export interface NatsOptions {
  /** Addresses such as `nats://127.0.0.1:4222`; at least one. */
  readonly servers: readonly string[];
  readonly credentials?: NatsCredentials;
  /** PEM texts; there is TLS when this is there, or where a server wants it. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Name of the cluster, `a` to `z`, `A` to `Z`, digits and `-`: streams and the bucket are named by it. */
  readonly name?: string;
  /** Servers that keep a copy: 1, 3 or 5. */
  readonly replicas?: 1 | 3 | 5;
  /**
   * `verified`: the servers are asked whether they sync before they acknowledge, by their system account or their monitoring addresses, and
   * refused if not. `assumed`: somebody vouches for it.
   */
  readonly sync?: 'verified' | 'assumed';
  /** Of a user of the system account. */
  readonly systemCredentials?: NatsCredentials;
  /** Monitoring addresses of all servers, such as `http://127.0.0.1:8222`. */
  readonly monitors?: readonly string[];
  /** Size of a cell's log, in bytes: more is refused until it is trimmed. */
  readonly logBytesMax?: number;
  /** An append or a question that isn't answered by then is given up, in milliseconds. */
  readonly timeoutMs?: number;
}

export const NATS_DEFAULTS = {
  name: 'promptmq',
  replicas: 3,
  sync: 'verified',
  logBytesMax: 4 * 2 ** 30,
  timeoutMs: 1_000,
} as const;

export type SetNatsOptions = NatsOptions & Required<Pick<NatsOptions, keyof typeof NATS_DEFAULTS>>;
