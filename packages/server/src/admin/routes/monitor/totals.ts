import { PacketType, ReasonCode } from '@promptmq/codec';
import { z } from 'zod';
import type { RunningBroker } from '../../../embed/running-broker.ts';
import { nodeName } from '../../api/node-name.ts';
import { json, operation } from '../../api/operation.ts';
import { flagParameter } from '../../api/query-fields.ts';

const aggregateQuery = z.object({
  aggregate: flagParameter()
    .default(false)
    .describe(
      'whether all nodes are answered as one object, instead of a list with an object for each',
    ),
});

const totalsSchema = z.record(z.string(), z.union([z.number(), z.string()]));
const answerSchema = z.union([z.array(totalsSchema), totalsSchema]);

type Figures = Readonly<Record<string, number>>;

/** How much there is of everything, and was at most, under EMQX's names. */
function statsOf({ monitor, stats }: RunningBroker): Figures {
  const { values } = monitor.current();
  const { watermarks } = monitor;
  const clients = stats.sessionsCurrent - stats.insideSessionsCurrent;
  return {
    'connections.count': clients,
    'connections.max': Math.max(clients, watermarks.sessions),
    'live_connections.count': stats.connectionsCurrent,
    'live_connections.max': watermarks.connections,
    'channels.count': stats.sessionsCurrent,
    'channels.max': watermarks.sessions,
    'sessions.count': stats.sessionsCurrent,
    'sessions.max': watermarks.sessions,
    'topics.count': values.filters,
    'topics.max': watermarks.filters,
    'subscriptions.count': stats.subscriptionsCurrent,
    'subscriptions.max': watermarks.subscriptions,
    'suboptions.count': stats.subscriptionsCurrent,
    'suboptions.max': watermarks.subscriptions,
    'subscriptions.shared.count': values.sharedGroups,
    'subscriptions.shared.max': watermarks.sharedGroups,
    'retained.count': stats.retainedCurrent,
    'retained.max': watermarks.retained,
  };
}

/** Packets of one type. */
const packet = (counts: Float64Array, type: PacketType) => counts[type] as number;

/** What was counted since the start, under EMQX's names. */
function metricsOf({ stats }: RunningBroker): Figures {
  const { packetsReceived: received, packetsSent: sent, dropped, refused } = stats;
  const denied = (action: string) => sumWhere(stats.accessDenied, (key) => key.startsWith(action));
  const loginsRefused =
    (stats.connacks.get(ReasonCode.BadUserNameOrPassword) ?? 0) +
    (stats.connacks.get(ReasonCode.NotAuthorized) ?? 0);
  const sentOther = sumOf(sent);
  return {
    'bytes.received': stats.bytesReceived,
    'bytes.sent': stats.bytesSent,
    'client.connect': packet(received, PacketType.CONNECT),
    'client.connack': packet(sent, PacketType.CONNACK),
    'client.connected': stats.connectionsTotal,
    'client.disconnected': sumOf(stats.disconnections.values()),
    'client.subscribe': packet(received, PacketType.SUBSCRIBE),
    'client.unsubscribe': packet(received, PacketType.UNSUBSCRIBE),
    'session.takenover': stats.disconnections.get('taken over') ?? 0,
    'session.terminated': stats.sessionsExpired,
    'authentication.success': stats.connectionsTotal,
    'authentication.failure': loginsRefused,
    'authorization.deny': sumOf(stats.accessDenied.values()),
    'messages.received': stats.messagesReceived,
    'messages.qos0.received': stats.messagesReceivedByQoS[0] as number,
    'messages.qos1.received': stats.messagesReceivedByQoS[1] as number,
    'messages.qos2.received': stats.messagesReceivedByQoS[2] as number,
    'messages.sent': stats.messagesSent,
    'messages.qos0.sent': stats.messagesSentByQoS[0] as number,
    'messages.qos1.sent': stats.messagesSentByQoS[1] as number,
    'messages.qos2.sent': stats.messagesSentByQoS[2] as number,
    'messages.publish': stats.messagesReceived + stats.insideMessages,
    'messages.delivered': stats.messagesSent + stats.insideDeliveries,
    'messages.acked': packet(received, PacketType.PUBACK) + packet(received, PacketType.PUBCOMP),
    'messages.dropped': sumOf(Object.values(dropped)),
    'messages.dropped.quota_exceeded':
      refused['queue-full'] + refused['storage-full'] + refused['retained-full'],
    'messages.validation_failed': refused['payload-format-invalid'],
    'delivery.dropped': sumOf(Object.values(dropped)),
    'delivery.dropped.expired': dropped.expired,
    'delivery.dropped.queue_full': dropped['queue-full'],
    'delivery.dropped.too_large': dropped['packet-too-large'],
    'delivery.dropped.qos0_msg': dropped['slow-subscriber'] + dropped['output-full'],
    'packets.received': sumOf(received),
    'packets.sent': sentOther + stats.messagesSent,
    'packets.connect.received': packet(received, PacketType.CONNECT),
    'packets.connack.sent': packet(sent, PacketType.CONNACK),
    'packets.connack.auth_error': loginsRefused,
    'packets.publish.received': packet(received, PacketType.PUBLISH),
    'packets.publish.sent': stats.messagesSent,
    'packets.publish.auth_error': denied('publish'),
    'packets.publish.quota_exceeded': refused['queue-full'] + refused['storage-full'],
    'packets.puback.received': packet(received, PacketType.PUBACK),
    'packets.puback.sent': packet(sent, PacketType.PUBACK),
    'packets.pubrec.received': packet(received, PacketType.PUBREC),
    'packets.pubrec.sent': packet(sent, PacketType.PUBREC),
    'packets.pubrel.received': packet(received, PacketType.PUBREL),
    'packets.pubrel.sent': packet(sent, PacketType.PUBREL),
    'packets.pubcomp.received': packet(received, PacketType.PUBCOMP),
    'packets.pubcomp.sent': packet(sent, PacketType.PUBCOMP),
    'packets.subscribe.received': packet(received, PacketType.SUBSCRIBE),
    'packets.subscribe.auth_error': denied('subscribe'),
    'packets.suback.sent': packet(sent, PacketType.SUBACK),
    'packets.unsubscribe.received': packet(received, PacketType.UNSUBSCRIBE),
    'packets.unsuback.sent': packet(sent, PacketType.UNSUBACK),
    'packets.pingreq.received': packet(received, PacketType.PINGREQ),
    'packets.pingresp.sent': packet(sent, PacketType.PINGRESP),
    'packets.disconnect.received': packet(received, PacketType.DISCONNECT),
    'packets.disconnect.sent': packet(sent, PacketType.DISCONNECT),
    'packets.auth.received': packet(received, PacketType.AUTH),
    'packets.auth.sent': packet(sent, PacketType.AUTH),
  };
}

function sumOf(counts: Iterable<number>): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

function sumWhere(counts: ReadonlyMap<string, number>, isMeant: (key: string) => boolean): number {
  return sumOf([...counts].filter(([key]) => isMeant(key)).map(([, count]) => count));
}

export const totalsOperations = [
  operation({
    id: 'getStats',
    method: 'GET',
    path: '/stats',
    scope: 'read',
    tag: 'Monitor',
    summary: 'How much there is of everything, and was at most',
    query: aggregateQuery,
    answers: { 200: { description: 'By name', schema: answerSchema } },
    handle: ({ host: { broker }, query }) => {
      const figures = statsOf(broker);
      return json(query.aggregate ? figures : [{ ...figures, node: nodeName(broker.config) }]);
    },
  }),
  operation({
    id: 'getMetrics',
    method: 'GET',
    path: '/metrics',
    scope: 'read',
    tag: 'Monitor',
    summary: 'What was counted since the start; Prometheus has more at metrics.bind',
    query: aggregateQuery,
    answers: { 200: { description: 'By name', schema: answerSchema } },
    handle: ({ host: { broker }, query }) => {
      const figures = metricsOf(broker);
      return json(query.aggregate ? figures : [{ ...figures, node: nodeName(broker.config) }]);
    },
  }),
];
