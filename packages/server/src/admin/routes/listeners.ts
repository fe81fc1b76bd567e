import { z } from 'zod';
import { EmbedError } from '../../embed/calls/embed-error.ts';
import type { RunningBroker } from '../../embed/running-broker.ts';
import type { Listener } from '../../listeners/listener.ts';
import { nodeName } from '../api/node-name.ts';
import { ApiError, json, operation } from '../api/operation.ts';
import { timeText } from '../api/texts.ts';

const DAY_MS = 86_400_000;

const certificateSchema = z.object({
  name: z.string().describe('its common name, or its whole subject'),
  subject: z.string(),
  issuer: z.string(),
  expires_at: z.string(),
  days_left: z.number().int().describe('negative when it has expired'),
});

const counts = {
  running: z.boolean(),
  current_connections: z.number().int(),
  max_connections: z.number().int(),
};

const listenerSchema = z.object({
  id: z.string().describe('such as tcp:default'),
  type: z.enum(['tcp', 'ssl', 'ws', 'wss', 'auto']),
  name: z.string(),
  enable: z.boolean(),
  bind: z.string(),
  ...counts,
  status: z.object(counts),
  node_status: z.array(z.object({ node: z.string(), status: z.object(counts) })),
  urls: z.array(z.string()).describe('for clients'),
  certificates: z
    .array(certificateSchema)
    .describe('that it shows, and those that sign its clients’'),
});

/** As EMQX has them. */
const TYPES = { mqtt: 'tcp', mqtts: 'ssl', ws: 'ws', wss: 'wss', auto: 'auto' } as const;

/** What the options `server.bind` and the like make, which EMQX calls `default`. */
const NAMED_BY_OPTION = ['tcp', 'ws', 'tls', 'wss'];

export const listenerOperations = [
  operation({
    id: 'listListeners',
    method: 'GET',
    path: '/listeners',
    scope: 'read',
    tag: 'Listeners',
    summary: 'Where clients connect, with certificates and when they expire',
    answers: { 200: { description: 'All of them', schema: z.array(listenerSchema) } },
    handle: ({ host: { broker } }) => json(listenersOf(broker)),
  }),
  operation({
    id: 'getListener',
    method: 'GET',
    path: '/listeners/{id}',
    scope: 'read',
    tag: 'Listeners',
    summary: 'One of them; of several addresses of one name, the first',
    params: z.object({ id: z.string().describe('such as tcp:default') }),
    answers: { 200: { description: 'It', schema: listenerSchema } },
    errors: { 404: 'There is none of that name' },
    handle: ({ host: { broker }, params: { id } }) => {
      const found = listenersOf(broker).find((one) => one.id === id);
      if (found !== undefined) return json(found);
      throw noListener(id);
    },
  }),
  operation({
    id: 'changeListener',
    method: 'POST',
    path: '/listeners/{id}/{action}',
    scope: 'config',
    tag: 'Listeners',
    summary:
      'Stop a listener with all its addresses, which disconnects its clients (reason 0x98), start it again, or both. When the broker starts, all are started',
    params: z.object({
      id: z.string().describe('such as tcp:default'),
      action: z.enum(['start', 'stop', 'restart']),
    }),
    answers: { 200: { description: 'The listener as it is then', schema: listenerSchema } },
    errors: { 404: 'There is none of that name', 409: 'An address could not be opened' },
    isLong: true,
    handle: async ({ host: { broker }, params: { id, action } }) => {
      const listener = broker.listeners.find((one) => idOf(one) === id);
      if (listener === undefined) throw noListener(id);
      const { name } = listener;
      if (action !== 'start') await broker.stopListener(name);
      if (action !== 'stop') await started(broker, name);
      return json(listenersOf(broker).find((one) => one.id === id));
    },
  }),
];

/** @throws {ApiError} 409 where an address can't be opened */
async function started(broker: RunningBroker, name: string): Promise<void> {
  try {
    await broker.startListener(name);
  } catch (error) {
    if (error instanceof EmbedError) throw error;
    throw new ApiError(409, 'CONFLICT', `${name}: ${(error as Error).message}`);
  }
}

function noListener(id: string): ApiError {
  return new ApiError(404, 'NOT_FOUND', `there is no listener ${id}; see /listeners`);
}

function nameOf({ name }: Listener): string {
  return NAMED_BY_OPTION.includes(name) ? 'default' : name;
}

function idOf(listener: Listener): string {
  return `${TYPES[listener.protocol]}:${nameOf(listener)}`;
}

function listenersOf(broker: RunningBroker): z.output<typeof listenerSchema>[] {
  const { listeners, config } = broker;
  const node = nodeName(config);
  const now = Date.now();
  return listeners.map((listener) => {
    const type = TYPES[listener.protocol];
    const { maxConnections, isRunning } = listener;
    const status = {
      running: isRunning,
      current_connections: listener.clientCount,
      max_connections: Number.isFinite(maxConnections)
        ? maxConnections
        : config.mqtt.maxConnections,
    };
    return {
      id: idOf(listener),
      type,
      name: nameOf(listener),
      enable: true,
      bind: listener.address,
      ...status,
      status,
      node_status: [{ node, status }],
      urls: [...listener.urls],
      certificates: listener.certificates.map((certificate) => ({
        name: certificate.name,
        subject: certificate.subject,
        issuer: certificate.issuer,
        expires_at: timeText(certificate.expiresAt) as string,
        days_left: Math.floor((certificate.expiresAt - now) / DAY_MS),
      })),
    };
  });
}
