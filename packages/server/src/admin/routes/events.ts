import { isValidTopicFilter } from '@promptmq/topics';
import { z } from 'zod';
import type { RunningBroker } from '../../embed/running-broker.ts';
import type {
  BrokerEventMap,
  BrokerEventName,
  EventClient,
  PublishEvent,
} from '../../tracing/event-types.ts';
import { ApiError, type Call, eventsAnswer, operation } from '../api/operation.ts';
import { shownPayload, shownProperties } from '../shown/payload.ts';
import type { EventFeed } from '../streams/event-feed.ts';
import type { FeedReader } from '../streams/event-feeds.ts';
import { EventSample } from '../streams/event-sample.ts';

/** By name in the API: the broker's own names. */
const TYPES = {
  message: 'publish',
  connect: 'connect',
  disconnect: 'disconnect',
  subscribe: 'subscribe',
  unsubscribe: 'unsubscribe',
  ack: 'ack',
  drop: 'drop',
  refuse: 'refuse',
} as const satisfies Record<string, BrokerEventName>;

type Type = keyof typeof TYPES;

const TYPE_NAMES = Object.keys(TYPES) as Type[];

/** Without `type`: what there isn't much of. `message` is one of them where there is a filter. */
const TYPES_BY_DEFAULT: readonly Type[] = [
  'connect',
  'disconnect',
  'subscribe',
  'unsubscribe',
  'drop',
  'refuse',
];

const PAYLOAD_BYTES = 4096;
const PAYLOAD_BYTES_MAX = 262_144;

const query = z.strictObject({
  filter: z.string().optional().describe('a topic filter, such as devices/#: of which messages'),
  type: z
    .string()
    .optional()
    .describe(
      `names with commas between them, of ${TYPE_NAMES.join(', ')}; message needs a filter. All but ack unless given`,
    ),
  clientid: z.string().optional().describe('only what is about this client'),
  payload: z
    .enum(['auto', 'base64', 'none'])
    .default('auto')
    .describe('auto: text where it is some, else Base64'),
  payload_bytes: z.coerce
    .number()
    .int()
    .min(0)
    .max(PAYLOAD_BYTES_MAX)
    .default(PAYLOAD_BYTES)
    .describe('of each payload; what is longer is cut'),
  rate: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'events a second of each type, at most admin.max-event-rate, which it is unless given. They are counted before clientid is looked at',
    ),
});

export type Asked = z.output<typeof query>;

export const eventOperations = [
  operation({
    id: 'followEvents',
    method: 'GET',
    path: '/events',
    scope: 'read',
    tag: 'Events',
    summary:
      'Server-Sent Events of what happens from now on. Where more of a type happens than rate allows, pause says for how many milliseconds the broker makes none. A reader who is too slow misses some, and gets dropped with their number; one who comes back with Last-Event-ID, as browsers do, gets those that he has missed, and gap where some of them are not there any more',
    query,
    answers: {
      200: {
        description: 'Continues until one side ends it',
        schema: z.string(),
        type: 'text/event-stream',
      },
    },
    handle: (call) => {
      const { host, caller, query: asked } = call;
      const { broker, feeds, streams } = host;
      const types = typesOf(asked);
      const limit = {
        rateMax: streams.eventRateMax,
        onLimited: (type: Type) => streams.noteLimited(caller.name, type),
      };
      const reader = readerOf(call);
      const opened = feeds.open(reader, (send) => {
        const ends = types.map((type) => follow(broker, type, asked, limit, send));
        return () => {
          for (const end of ends) end();
        };
      });
      return eventsAnswer(opened);
    },
  }),
];

/** Who reads events, and which one he has had last. @throws {ApiError} 400 */
export function readerOf({
  caller,
  query: asked,
  headers,
}: Pick<Call<unknown, Asked, unknown>, 'caller' | 'query' | 'headers'>): FeedReader {
  const lastId = headers.get('last-event-id');
  if (lastId !== null && !/^[\w-]{1,64}$/.test(lastId)) {
    throw new ApiError(400, 'BAD_REQUEST', 'Last-Event-ID: it takes the id of an event');
  }
  const key = JSON.stringify([caller.name, caller.kind, asked]);
  return { caller: caller.name, key, lastEventId: lastId };
}

/** @throws {ApiError} 400 */
export function typesOf({ type, filter }: Asked): readonly Type[] {
  if (filter !== undefined && !isValidTopicFilter(filter)) {
    throw new ApiError(400, 'BAD_REQUEST', 'filter: it takes a topic filter, such as devices/#');
  }
  if (type === undefined) {
    return filter === undefined ? TYPES_BY_DEFAULT : ['message', ...TYPES_BY_DEFAULT];
  }
  const names = [...new Set(type.split(','))];
  const unknown = names.find((name) => !Object.hasOwn(TYPES, name));
  if (unknown !== undefined) {
    const why = `type: ${JSON.stringify(unknown)} is none; there are ${TYPE_NAMES.join(', ')}`;
    throw new ApiError(400, 'BAD_REQUEST', why);
  }
  if (names.includes('message') && filter === undefined) {
    throw new ApiError(400, 'BAD_REQUEST', 'filter: messages are shown with a topic filter only');
  }
  return names as Type[];
}

/** What one reader may have. */
interface Limit {
  /** Events a second of each type. */
  readonly rateMax: number;
  /** Called once for a type of which there are more, unless fewer were asked for. */
  readonly onLimited: (type: Type) => void;
}

/** @returns a function that ends it */
function follow(
  broker: RunningBroker,
  type: Type,
  asked: Asked,
  { rateMax, onLimited }: Limit,
  send: EventFeed['send'],
): () => void {
  const name: BrokerEventName = TYPES[type];
  const rate = Math.min(asked.rate ?? rateMax, rateMax);
  let isTold = rate < rateMax;
  const onPause = (ms: number) => {
    send('pause', { type, ms, ts: Date.now() });
    if (!isTold) onLimited(type);
    isTold = true;
  };
  const options = { filter: name === 'publish' ? asked.filter : undefined, rate, onPause };
  const sample = new EventSample(broker, name, options, (event) => {
    if (asked.clientid !== undefined && clientIdOf(event) !== asked.clientid) return;
    send(type, { ...shown(type, event, asked), ts: Date.now() });
  });
  return () => sample.end();
}

function clientIdOf(event: object): string | null {
  if ('clientId' in event) return event.clientId as string;
  const { client } = event as { client?: EventClient | null };
  return client?.clientId ?? null;
}

function shown(type: Type, event: unknown, asked: Asked): object {
  switch (type) {
    case 'message':
      return shownMessage(event as PublishEvent, asked);
    case 'drop': {
      const { clientId, reason } = event as BrokerEventMap['drop'];
      return { clientid: clientId, reason };
    }
    case 'refuse': {
      const { client, address, action, topic, reasonCode, why } = event as BrokerEventMap['refuse'];
      return { ...shownClient(client), address, action, topic, reason_code: reasonCode, why };
    }
    default: {
      const { client, ...others } = event as { client: EventClient };
      return { ...shownClient(client), ...inSnakeCase(others) };
    }
  }
}

function shownMessage(event: PublishEvent, { payload, payload_bytes }: Asked): object {
  const { topic, qos, retain, properties, client, matched, position } = event;
  const { length } = event.payload;
  const cut = event.payload.subarray(0, endOf(event.payload, payload_bytes));
  return {
    ...shownClient(client),
    topic,
    qos,
    retain,
    ...(payload === 'none' ? {} : shownPayload(cut, payload === 'base64')),
    payload_size: length,
    is_cut: payload !== 'none' && length > payload_bytes,
    properties: shownProperties(properties),
    matched,
    position,
  };
}

/** Where to cut it, so that text stays text. */
function endOf(payload: Buffer, bytesMax: number): number {
  let end = Math.min(payload.length, bytesMax);
  if (end === payload.length) return end;
  const isWithin = (at: number) => ((payload[at] as number) & 0xc0) === 0x80;
  for (let steps = 0; steps < 3 && end > 0 && isWithin(end); steps++) end--;
  return end;
}

function shownClient(client: EventClient | null): object {
  if (client === null) return { clientid: null, username: null };
  const { clientId, userName, version, protocol, remoteAddress } = client;
  return {
    clientid: clientId,
    username: userName,
    proto_ver: version,
    listener_type: protocol,
    peername: remoteAddress,
  };
}

function inSnakeCase(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
