import { z } from 'zod';
import type { RunningBroker } from '../../embed/running-broker.ts';
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
      throw new ApiError(404, 'NOT_FOUND', `there is no listener ${id}; see /listeners`);
    },
  }),
];

function listenersOf(broker: RunningBroker): z.output<typeof listenerSchema>[] {
  const { listeners, config } = broker;
  const node = nodeName(config);
  const now = Date.now();
  return listeners.map((listener) => {
    const type = TYPES[listener.protocol];
    const name = NAMED_BY_OPTION.includes(listener.name) ? 'default' : listener.name;
    const { maxConnections } = listener;
    const status = {
      running: true,
      current_connections: listener.clientCount,
      max_connections: Number.isFinite(maxConnections)
        ? maxConnections
        : config.mqtt.maxConnections,
    };
    return {
      id: `${type}:${name}`,
      type,
      name,
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
