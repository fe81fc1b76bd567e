/** What a client sends, well-formed or nearly so. */
import { field, type Part, packet, properties, u16 } from './bytes.ts';
import type { Version } from './version.ts';

export interface ConnectOptions {
  readonly version?: Version;
  readonly clientId?: string;
  readonly clean?: boolean;
  readonly keepAlive?: number;
  readonly properties?: Part;
  readonly will?: {
    readonly topic: Part;
    readonly payload: Part;
    readonly qos?: number;
    readonly retain?: boolean;
    readonly properties?: Part;
  };
  readonly username?: Part;
  readonly password?: Part;
}

export function connect(options: ConnectOptions = {}): Uint8Array {
  const { version = 5, clean = true, keepAlive = 60, will, username, password } = options;
  const flags =
    (clean ? 0x02 : 0) |
    (will === undefined ? 0 : 0x04 | ((will.qos ?? 0) << 3) | (will.retain ? 0x20 : 0)) |
    (password === undefined ? 0 : 0x40) |
    (username === undefined ? 0 : 0x80);
  const parts: Part[] = [
    field(version === 3 ? 'MQIsdp' : 'MQTT'),
    version,
    flags,
    u16(keepAlive),
    version === 5 ? properties(options.properties ?? []) : [],
    field(options.clientId ?? ''),
  ];
  if (will !== undefined) {
    parts.push(version === 5 ? properties(will.properties ?? []) : []);
    parts.push(field(will.topic), field(will.payload));
  }
  if (username !== undefined) parts.push(field(username));
  if (password !== undefined) parts.push(field(password));
  return packet(0x10, ...parts);
}

export interface PublishOptions {
  readonly version?: Version;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly id?: number;
  readonly properties?: Part;
}

export function publish(topic: Part, payload: Part, options: PublishOptions = {}): Uint8Array {
  const { version = 5, qos = 0, retain = false, dup = false, id = 1 } = options;
  return packet(
    0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0),
    field(topic),
    qos > 0 ? u16(id) : [],
    version === 5 ? properties(options.properties ?? []) : [],
    payload,
  );
}

const ACKS = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

/** An acknowledgement in its shortest form, or with a reason code. */
export function ack(type: keyof typeof ACKS, id: number, reasonCode?: number): Uint8Array {
  return packet(ACKS[type], u16(id), reasonCode === undefined ? [] : reasonCode);
}

export interface SubscribeOptions {
  readonly version?: Version;
  readonly id?: number;
  readonly properties?: Part;
}

/** Subscription options beside the QoS (§3.8.3.1). */
export const NO_LOCAL = 4;
export const AS_PUBLISHED = 8;
/** Retain handling: retained messages for new subscriptions only, or never. */
export const IF_NEW = 16;
export const NEVER = 32;

/** Filters with their options byte. */
export function subscribe(
  filters: readonly (readonly [Part, number])[],
  { version = 5, id = 1, ...options }: SubscribeOptions = {},
): Uint8Array {
  return packet(
    0x82,
    u16(id),
    version === 5 ? properties(options.properties ?? []) : [],
    filters.map(([filter, flags]) => [field(filter), flags]),
  );
}

export function unsubscribe(
  filters: readonly Part[],
  { version = 5, id = 1, ...options }: SubscribeOptions = {},
): Uint8Array {
  return packet(
    0xa2,
    u16(id),
    version === 5 ? properties(options.properties ?? []) : [],
    filters.map((filter) => field(filter)),
  );
}

export const pingreq: Uint8Array = packet(0xc0);

export function disconnect(reasonCode?: number, props?: Part): Uint8Array {
  if (reasonCode === undefined) return packet(0xe0);
  return packet(0xe0, reasonCode, props === undefined ? [] : properties(props));
}

export function auth(reasonCode: number, props: Part = []): Uint8Array {
  return packet(0xf0, reasonCode, properties(props));
}
