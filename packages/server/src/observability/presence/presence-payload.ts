import type { Subscription } from '@promptmq/topics';
import { hostOfAddress } from '../../security/host-address.ts';
import type { ObservedClient, PresentClient } from '../../tracing/client-events.ts';

/*
 * What is said of clients, as EMQX says it: times are milliseconds since 1970, a client without a user name is called `undefined`.
 */

/** What all of them have in common. */
export interface Occurrence {
  readonly clientid: string;
  readonly username: string;
  readonly protocol: 'mqtt';
  /** When it happened. */
  readonly ts: number;
}

export interface ConnectionOccurrence extends Occurrence {
  readonly ipaddress: string;
  readonly sockport: number;
  readonly proto_name: string;
  readonly proto_ver: number;
  readonly connected_at: number;
}

/** Why connections end, by the cause that the broker has for it; others are named as they are. */
const REASONS: Readonly<Record<string, string>> = {
  'closed by peer': 'tcp_closed',
  'keep alive': 'keepalive_timeout',
  'taken over': 'takenover',
  'administrative action': 'kicked',
  banned: 'kicked',
  shutdown: 'server_shutting_down',
  protocol: 'protocol_error',
  authentication: 'not_authorized',
  'no longer allowed': 'not_authorized',
};

const WITH_WILL = 0x04;

export function occurrenceOf({ clientId, userName }: ObservedClient, ts: number): Occurrence {
  return { clientid: clientId, username: userName ?? 'undefined', protocol: 'mqtt', ts };
}

/** @param connectedAt - milliseconds since 1970 */
export function connectionOf(
  client: ObservedClient,
  connectedAt: number,
  ts: number,
): ConnectionOccurrence {
  const { transport, version } = client;
  return {
    ...occurrenceOf(client, ts),
    ipaddress: hostOfAddress(transport.remoteAddress),
    sockport: transport.localPort ?? 0,
    proto_name: version === 3 ? 'MQIsdp' : 'MQTT',
    proto_ver: version,
    connected_at: connectedAt,
  };
}

/** Of the CONNECT, `expiry_interval` in milliseconds. */
export function connectFields({ cleanStart, session, timeouts }: PresentClient): object {
  return {
    keepalive: timeouts.keepAlive,
    clean_start: cleanStart,
    expiry_interval: (session?.expiryInterval ?? 0) * 1000,
    connack: 0,
  };
}

export function disconnectFields(cause: string, reasonCode: number, ts: number): object {
  return { reason: reasonOf(cause, reasonCode), disconnected_at: ts };
}

function reasonOf(cause: string, reasonCode: number): string {
  if (cause === 'client') {
    return reasonCode === WITH_WILL ? 'disconnect_with_will_message' : 'normal';
  }
  return REASONS[cause] ?? cause.replaceAll(' ', '_');
}

export function subscribeFields({
  topicFilter,
  qos,
  noLocal,
  retainAsPublished,
  retainHandling,
  subscriptionIdentifier,
}: Subscription): object {
  return {
    topic: topicFilter,
    subopts: {
      qos,
      nl: noLocal ? 1 : 0,
      rap: retainAsPublished ? 1 : 0,
      rh: retainHandling,
      ...(subscriptionIdentifier === 0 ? {} : { subid: subscriptionIdentifier }),
    },
  };
}
