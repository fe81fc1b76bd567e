/**
 * A client that sends PINGREQ, and the next one a little after each answer; for `hostile.ts`. Says when it has
 * connected, and when it is asked to end, how long an answer has taken at most, in milliseconds.
 */
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const PAUSE_MS = 5;

const connectPacket = [
  0x10,
  19,
  0,
  4,
  0x4d,
  0x51,
  0x54,
  0x54,
  5,
  2,
  0,
  0,
  0,
  0,
  6,
  ...Buffer.from('canary'),
];
const socket = connect({ host: '127.0.0.1', port: workerData.port, noDelay: true });
let longestMs = 0;
let sentAt = -1;

function ping() {
  sentAt = performance.now();
  socket.write(Uint8Array.of(0xc0, 0));
}

socket.once('connect', () => socket.write(Uint8Array.from(connectPacket)));
socket.once('data', () => {
  parentPort?.postMessage('connected');
  ping();
  socket.on('data', () => {
    longestMs = Math.max(longestMs, performance.now() - sentAt);
    sentAt = -1;
    setTimeout(ping, PAUSE_MS);
  });
});
parentPort?.once('message', () => {
  const waited = sentAt === -1 ? 0 : performance.now() - sentAt;
  parentPort?.postMessage(Math.max(longestMs, waited));
});
