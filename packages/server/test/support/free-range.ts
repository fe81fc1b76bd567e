import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that the system gives away by itself. */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** The first of some ports of 127.0.0.1 in a row that nobody listens on. */
export async function freeRange(count: number): Promise<number> {
  for (;;) {
    const first = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST - count));
    const ports = Array.from({ length: count }, (_, index) => first + index);
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
