import { Badge } from '../../parts/basic.tsx';

/** A client, as GET /clients has it; what a client without a connection has none of is null. */
export interface Client {
  readonly clientid: string;
  readonly username: string | null;
  readonly connected: boolean;
  readonly ip_address: string | null;
  readonly port: number | null;
  readonly proto_ver: number | null;
  readonly protocol: string | null;
  readonly listener: string | null;
  readonly keepalive: number | null;
  readonly clean_start: boolean | null;
  readonly is_bridge: boolean | null;
  /** Seconds; 4294967295 is for ever. */
  readonly expiry_interval: number;
  readonly durable: boolean;
  readonly connected_at: string | null;
  readonly disconnected_at: string | null;
  readonly subscriptions_cnt: number;
  readonly mqueue_len: number;
  readonly mqueue_max: number;
  readonly mqueue_bytes: number;
  readonly mqueue_dropped: number;
  readonly inflight_cnt: number;
  readonly inflight_max: number;
  readonly awaiting_rel_cnt: number;
  readonly recv_oct: number | null;
  readonly send_oct: number | null;
}

const VERSIONS: Readonly<Record<number, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' };

export function versionOf({ proto_ver }: Pick<Client, 'proto_ver'>): string {
  return proto_ver === null ? '–' : (VERSIONS[proto_ver] ?? `${proto_ver}`);
}

export function addressOf({ ip_address, port }: Client): string | null {
  if (ip_address === null) return null;
  const host = ip_address.includes(':') ? `[${ip_address}]` : ip_address;
  return port === null ? host : `${host}:${port}`;
}

export function ClientState({ client }: { readonly client: Pick<Client, 'connected'> }) {
  return client.connected ? <Badge tone="good">online</Badge> : <Badge>offline</Badge>;
}
