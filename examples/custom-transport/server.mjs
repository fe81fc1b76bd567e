/** A broker without a port: its clients are a child process, a thread, and whoever may open a socket file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { createBroker } from '@promptmq/server';
import { runDevice } from './device.mjs';
import { PortStream } from './port-stream.mjs';

const broker = await createBroker({ server: { bind: null, wsBind: null } });
broker.on('connect', ({ client: { clientId, protocol, remoteAddress, userName } }) => {
  console.log(`${clientId} connects: ${protocol}, ${remoteAddress}, user ${userName}`);
});
const states = broker.subscribe('devices/+')[Symbol.asyncIterator]();

// The program itself, by a stream that nobody else sees.
await runDevice('program', broker.connect());
await showState();

// A child process. Who started it knows who it is: `userName` counts as proved.
const child = spawn(process.execPath, [fileURLToPath(new URL('child.mjs', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
broker.attach(Duplex.from({ readable: child.stdout, writable: child.stdin }), {
  protocol: 'stdio',
  remoteAddress: 'child process',
  userName: 'child',
});
await showState();

// A thread.
const { port1, port2 } = new MessageChannel();
new Worker(new URL('worker.mjs', import.meta.url), {
  workerData: port2,
  transferList: [port2],
});
broker.attach(new PortStream(port1), { protocol: 'port', remoteAddress: 'thread' });
await showState();

// A server of one's own: here a Unix domain socket, or a named pipe on Windows.
const folder = mkdtempSync(join(tmpdir(), 'broker-'));
const path =
  process.platform === 'win32' ? `\\\\.\\pipe\\broker-${process.pid}` : join(folder, 's');
const server = createServer((socket) => {
  broker.attach(socket, { protocol: 'unix', remoteAddress: 'socket file' });
});
server.listen(path);
await once(server, 'listening');
await runDevice('neighbour', connect(path));
await showState();

server.close();
rmSync(folder, { recursive: true });
await broker.stop();

async function showState() {
  const { value } = await states.next();
  console.log(`${value.topic}: ${value.text()}`);
}
