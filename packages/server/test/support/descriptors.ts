import { readdirSync, readlinkSync } from 'node:fs';

/** How many sockets this process has open, those of clients in the same process included. */
export function openSocketCount(): number {
  return readdirSync('/proc/self/fd').filter(isSocket).length;
}

function isSocket(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
  } catch {
    return false; // That of the folder being read.
  }
}

/** Lets the event loop turn until this number of sockets is open; it is the test that has a time-out. */
export async function untilOpenSockets(count: number): Promise<void> {
  while (openSocketCount() !== count) await new Promise((resolve) => setTimeout(resolve, 2));
}
