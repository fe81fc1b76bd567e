/** How long the disk takes to make a small write durable. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { median } from './report.ts';

const SIZE = 4096;
const COUNT = 300;

/** The median of appending 4 KB to a file and calling fdatasync, in microseconds. */
export function measureSync(directory: string): number {
  const file = join(directory, 'fdatasync-probe');
  const descriptor = openSync(file, 'w');
  const block = Buffer.alloc(SIZE, 0x78);
  try {
    const times = Array.from({ length: COUNT }, () => {
      const startMs = performance.now();
      writeSync(descriptor, block);
      fdatasyncSync(descriptor);
      return (performance.now() - startMs) * 1000;
    });
    return median(times);
  } finally {
    closeSync(descriptor);
    rmSync(file);
  }
}
