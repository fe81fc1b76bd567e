import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that the system gives away by itself. */
const LOWEST = 20_000;

/** Each of the processes that run tests at the same time has its share: what one has chosen, no other one takes before it is used. */
const SHARE = 3_000;
const SHARES = 4;

const lowest = LOWEST + (Number(process.env['JEST_WORKER_ID'] ?? 0) % SHARES) * SHARE;

/** Those that were chosen here, and may not be in use yet. */
const chosen = new Set<number>();

/** The first of some ports of 127.0.0.1 in a row that nobody listens on, and that were not chosen before. */
export async function freeRange(count: number): Promise<number> {
  for (;;) {
    const first = lowest + Math.floor(Math.random() * (SHARE - count));
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if (ports.some((port) => chosen.has(port))) continue;
    for (const port of ports) chosen.add(port);
    const areFree = await Promise.all(ports.map(isFree));
    if (areFree.every(Boolean)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
