import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { hashPassword } from '@promptmq/auth';

const program = join(import.meta.dirname, '../support/side-by-side.mjs');

test('three brokers in one process have nothing in common, and each takes all that is its own along when it stops', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-side-by-side-'));
  writeFileSync(join(folder, 'passwords'), `user:${await hashPassword('secret')}\n`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, folder], {
    encoding: 'utf8',
    // It ends by itself; a handle that is left would keep it for ever.
    timeout: 50_000,
  });
  expect([status, stderr]).toEqual([0, '']);
  const { received, counted, connected, before, left } = JSON.parse(stdout);
  expect(received).toEqual(['who 0', 'who 1', 'who 1', 'who 2', 'who 2', 'who 2']);
  expect(counted).toEqual([1, 3]);
  expect(connected).toEqual([1, 1, 1]);

  // Sockets of a broker: two listeners, its metrics, both ends of a client's. The second has no metrics.
  const sockets = left.map((handles: Record<string, number>) => [
    handles['TCPServerWrap'] ?? 0,
    handles['TCPSocketWrap'] ?? 0,
  ]);
  expect(sockets).toEqual([
    [5, 4],
    [3, 2],
    [0, 0],
  ]);
  // What the process had in the beginning, such as pipes to this one, and nothing else.
  expect(Object.keys(before)).toEqual(expect.arrayContaining(Object.keys(left[2])));
  rmSync(folder, { recursive: true });
});
