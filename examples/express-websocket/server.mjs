/** PORT=3000 node server.mjs: pages and MQTT over WebSocket on one port. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createBroker, EmbedError } from '@promptmq/server';
import express from 'express';

const broker = await createBroker({ server: { bind: null, wsBind: null } });

const app = express();
app.use(express.static(fileURLToPath(new URL('public', import.meta.url))));
app.use('/mqtt.js', express.static(fileURLToPath(import.meta.resolve('mqtt/dist/mqtt.min'))));
app.get('/lamps/:name', (request, response) => {
  const message = broker.retained.get(`lamps/${request.params.name}`);
  if (message === null) response.sendStatus(404);
  else response.type('text').send(message.payload);
});
app.put('/lamps/:name', express.text(), async (request, response) => {
  const topic = `lamps/${request.params.name}`;
  await broker.publish({ topic, payload: request.body, qos: 1, retain: true });
  response.sendStatus(204);
});
app.use((error, _request, response, next) => {
  if (error instanceof EmbedError) response.status(statusOf(error)).send(error.message);
  else next(error);
});

export const server = createServer(app);
server.on('upgrade', (request, socket, head) => {
  if (request.url === '/mqtt') broker.handleUpgrade(request, socket, head);
  else socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
});
server.listen(Number(process.env.PORT ?? 3000));
await once(server, 'listening');
console.log('pages and MQTT are served');

/** The broker first: a server is only closed when its sockets are. */
export async function stop() {
  await broker.stop();
  server.close();
}
process.once('SIGINT', () => void stop());

function statusOf({ code }) {
  return code.startsWith('invalid-') ? 400 : 503;
}
