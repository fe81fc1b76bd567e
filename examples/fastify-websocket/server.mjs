/** PORT=3000 node server.mjs: pages and MQTT over WebSocket on one port. */
import { readFile } from 'node:fs/promises';
import { createBroker, EmbedError } from '@promptmq/server';
import Fastify from 'fastify';

const broker = await createBroker({ server: { bind: null, wsBind: null } });

const app = Fastify();
await serveFile('/', new URL('public/index.html', import.meta.url), 'text/html');
await serveFile('/lamps.js', new URL('public/lamps.js', import.meta.url), 'text/javascript');
await serveFile('/mqtt.js', new URL(import.meta.resolve('mqtt/dist/mqtt.min')), 'text/javascript');
app.get('/lamps/:name', async (request, reply) => {
  const message = broker.retained.get(`lamps/${request.params.name}`);
  if (message === null) return reply.code(404).send();
  return reply.type('text/plain').send(message.payload);
});
app.put('/lamps/:name', async (request, reply) => {
  const topic = `lamps/${request.params.name}`;
  await broker.publish({ topic, payload: request.body, qos: 1, retain: true });
  return reply.code(204).send();
});
app.setErrorHandler((error, _request, reply) => {
  if (error instanceof EmbedError) return reply.code(statusOf(error)).send(error.message);
  return reply.send(error);
});

export const { server } = app;
server.on('upgrade', (request, socket, head) => {
  if (request.url === '/mqtt') broker.handleUpgrade(request, socket, head);
  else socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
});
// Before the server waits for its sockets to close.
app.addHook('preClose', () => broker.stop());
await app.listen({ port: Number(process.env.PORT ?? 3000) });
console.log('pages and MQTT are served');

export const stop = () => app.close();
process.once('SIGINT', () => void stop());

async function serveFile(path, file, type) {
  const content = await readFile(file);
  app.get(path, (_request, reply) => reply.type(type).send(content));
}

function statusOf({ code }) {
  return code.startsWith('invalid-') ? 400 : 503;
}
