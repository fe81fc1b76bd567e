import { matchesFilter, parseSharedFilter } from '@promptmq/topics';
import type { RunningBroker } from '../../embed/running-broker.ts';
import type { BrokerEventMap, BrokerEventName } from '../../tracing/event-types.ts';
import { splitAddress } from '../api/texts.ts';
import type { TracedEvent, TraceTarget } from './named-trace.ts';

/** Clients of an address of which the packets are traced at a time. */
export const CLIENTS_MAX = 100;

type Note = (event: TracedEvent) => void;

/** Has what happens to the target noted from now on. @returns a function that ends it */
export function followTarget(broker: RunningBroker, target: TraceTarget, note: Note): () => void {
  switch (target.type) {
    case 'clientid':
      return followClient(broker, target.clientid, note);
    case 'topic':
      return followTopic(broker, target.topic, note);
    case 'ip_address':
      return followAddress(broker, target.ip_address.toLowerCase(), note);
  }
}

function followClient(broker: RunningBroker, clientid: string, note: Note): () => void {
  return broker.traceClient(clientid, ({ event, ...fields }) =>
    note({ event, clientid, ...fields }),
  );
}

/** Messages, of which there are no payloads, subscriptions, and what was dropped and refused. */
function followTopic(broker: RunningBroker, topic: string, note: Note): () => void {
  const isMeant = (other: string | null) => other !== null && matchesFilter(topic, other);
  return all([
    on(
      broker,
      'publish',
      ({ client, topic: to, qos, retain, payload, matched, position }) =>
        note({
          event: 'publish',
          clientid: client?.clientId ?? null,
          username: client?.userName ?? null,
          topic: to,
          qos,
          retain,
          payload_size: payload.length,
          matched,
          position,
        }),
      topic,
    ),
    ...(['subscribe', 'unsubscribe'] as const).map((name) =>
      on(broker, name, ({ client: { clientId, userName }, filter }) => {
        const own = parseSharedFilter(filter)?.topicFilter ?? filter;
        if (own !== topic && !isMeant(own)) return;
        note({ event: name, clientid: clientId, username: userName, filter });
      }),
    ),
    on(broker, 'drop', ({ clientId, reason, topic: of }) => {
      if (isMeant(of)) note({ event: 'drop', clientid: clientId, topic: of, reason });
    }),
    on(broker, 'refuse', ({ client, action, topic: of, reasonCode, why }) => {
      if (of !== topic && !isMeant(of)) return;
      const clientid = client?.clientId ?? null;
      note({ event: 'refuse', clientid, action, topic: of, reason_code: reasonCode, why });
    }),
  ]);
}

/** Packets of the clients that are connected from there, as they come and go. */
function followAddress(broker: RunningBroker, address: string, note: Note): () => void {
  const followed = new Map<string, () => void>();
  const isFrom = (remote: string | null) => splitAddress(remote).host === address;
  const begin = (clientId: string) => {
    if (followed.has(clientId) || followed.size >= CLIENTS_MAX) return;
    followed.set(clientId, followClient(broker, clientId, note));
  };
  const end = (clientId: string) => {
    followed.get(clientId)?.();
    followed.delete(clientId);
  };
  for (const { clientId } of broker.clients.list({ address, limit: CLIENTS_MAX }).clients) {
    begin(clientId);
  }
  const unfollow = all([
    on(broker, 'connect', ({ client }) => {
      if (isFrom(client.remoteAddress)) begin(client.clientId);
    }),
    on(broker, 'disconnect', ({ client, takenOverBy }) => {
      if (isFrom(client.remoteAddress) && takenOverBy === null) end(client.clientId);
    }),
    on(broker, 'refuse', ({ client, address: from, action, topic, reasonCode, why }) => {
      if (!isFrom(from)) return;
      const clientid = client?.clientId ?? null;
      note({ event: 'refuse', clientid, action, topic, reason_code: reasonCode, why });
    }),
  ]);
  return () => {
    unfollow();
    for (const clientId of [...followed.keys()]) end(clientId);
  };
}

function on<N extends BrokerEventName>(
  broker: RunningBroker,
  name: N,
  listener: (event: BrokerEventMap[N]) => void,
  filter?: string,
): () => void {
  broker.on(name, listener, filter === undefined ? {} : { filter });
  return () => void broker.off(name, listener);
}

function all(ends: readonly (() => void)[]): () => void {
  return () => {
    for (const end of ends) end();
  };
}
