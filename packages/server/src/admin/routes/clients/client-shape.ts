import { z } from 'zod';
import type { Config } from '../../../config/index.ts';
import type { ClientInfo } from '../../../embed/clients/client-info.ts';
import { nodeName } from '../../api/node-name.ts';
import { splitAddress, timeText } from '../../api/texts.ts';

/** A client as EMQX answers it; what a client without a connection has none of is null. */
export const clientSchema = z.object({
  clientid: z.string(),
  username: z.string().nullable().describe('who it proved to be'),
  node: z.string(),
  connected: z.boolean(),
  ip_address: z.string().nullable(),
  port: z.number().int().nullable().describe("the client's"),
  proto_name: z.string().nullable(),
  proto_ver: z.number().int().nullable().describe('3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0'),
  protocol: z
    .string()
    .nullable()
    .describe('how it is connected: tcp, tls, websocket, websocket-tls …'),
  listener: z.string().nullable().describe('name of the listener'),
  keepalive: z.number().int().nullable().describe('seconds; 0 when it is off'),
  clean_start: z.boolean().nullable(),
  is_bridge: z.boolean().nullable(),
  expiry_interval: z
    .number()
    .int()
    .describe('seconds that its session lives after its connection; 4294967295: for ever'),
  is_expired: z.boolean(),
  durable: z.boolean().describe('whether what is sent to it survives the process'),
  created_at: z
    .string()
    .nullable()
    .describe('when its session was made, to the second; null where that was before this process'),
  connected_at: z.string().nullable(),
  disconnected_at: z.string().nullable(),
  subscriptions_cnt: z.number().int(),
  subscriptions_max: z.number().int(),
  mqueue_len: z.number().int().describe('messages that wait to be sent for the first time'),
  mqueue_max: z.number().int(),
  mqueue_bytes: z.number().int(),
  mqueue_dropped: z.number().int().describe('since the session or this process began'),
  inflight_cnt: z.number().int().describe('messages that were sent and are not settled'),
  inflight_max: z.number().int().describe('as many as the client takes at a time'),
  awaiting_rel_cnt: z.number().int().describe('QoS 2 messages of the client without PUBREL'),
  awaiting_rel_max: z.number().int(),
  recv_oct: z.number().int().nullable().describe('bytes that came on this connection'),
  send_oct: z.number().int().nullable().describe('bytes that went on this connection'),
  client_attrs: z.record(z.string(), z.unknown()).describe('what authentication said of it'),
});

export type ShownClient = z.output<typeof clientSchema>;

export type ClientField = keyof ShownClient;

export const CLIENT_FIELDS = Object.keys(clientSchema.shape) as ClientField[];

export function shownClient(client: ClientInfo, config: Config): ShownClient {
  const { mqtt } = config;
  const { host, port } = splitAddress(client.remoteAddress);
  return {
    clientid: client.clientId,
    username: client.userName,
    node: nodeName(config),
    connected: client.isConnected,
    ip_address: host,
    port,
    proto_name: client.version === null ? null : client.version === 3 ? 'MQIsdp' : 'MQTT',
    proto_ver: client.version,
    protocol: client.protocol,
    listener: client.listener,
    keepalive: client.keepAlive,
    clean_start: client.cleanStart,
    is_bridge: client.isBridge,
    expiry_interval: client.sessionExpiryInterval,
    is_expired: false,
    durable: client.isStored,
    created_at: timeText(client.createdAt),
    connected_at: timeText(client.connectedAt),
    disconnected_at: timeText(client.disconnectedAt),
    subscriptions_cnt: client.subscriptions,
    subscriptions_max: mqtt.maxSubscriptions,
    mqueue_len: client.queued,
    mqueue_max: mqtt.maxQueuedMessages,
    mqueue_bytes: client.queuedBytes,
    mqueue_dropped: client.dropped,
    inflight_cnt: client.inflight,
    inflight_max: client.inflightMax,
    awaiting_rel_cnt: client.awaitingRelease,
    awaiting_rel_max: mqtt.receiveMaximum,
    recv_oct: client.bytesReceived,
    send_oct: client.bytesSent,
    client_attrs: client.attributes,
  };
}

/** Only these fields of a client; null: all. */
export function fieldsOf(client: ShownClient, fields: readonly ClientField[] | null): object {
  if (fields === null) return client;
  return Object.fromEntries(fields.map((field) => [field, client[field]]));
}
