import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { encode } from '@promptmq/codec';
import { Command } from '../support/command.ts';
import { connectBytes, PacketClient } from '../support/packet-client.ts';

// It takes some seconds to fill a heap, and nothing smaller shows that V8 doesn't end the process.
test('a flood of retained messages that the heap has no room for slows who sends it, and ends nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-memory-'));
  const broker = new Command(
    [
      '--bind',
      '127.0.0.1:0',
      '--ws-bind',
      'none',
      '--metrics-bind',
      'none',
      '--storage-enabled',
      'false',
    ],
    folder,
    { NODE_OPTIONS: '--max-old-space-size=96' },
  );
  const [, port = ''] = await broker.waitFor(/listening .*127\.0\.0\.1:(\d+)/);
  const url = `mqtt://127.0.0.1:${port}`;
  const canary = await PacketClient.open(url, 5);
  canary.connect('canary');
  expect(await canary.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });

  const flood = connect(Number(port), '127.0.0.1');
  flood.on('error', () => {});
  flood.write(connectBytes);
  let number = 0;
  /** 100 retained messages with long topics of their own: some hundreds of KB of the heap. */
  const send = () => {
    const packets = Array.from({ length: 100 }, () => {
      const topic = `${number++}/${'x'.repeat(4000)}`;
      const payload = Buffer.alloc(1);
      const content = { cmd: 'publish', topic, payload, qos: 0, dup: false, retain: true } as const;
      return encode(content, { protocolVersion: 4 }) as Buffer;
    });
    return flood.write(Buffer.concat(packets));
  };
  const isOver = { now: false };
  const overloaded = broker.waitFor(/overloaded level=(slowing|stopping)/).then(() => {
    isOver.now = true;
  });
  while (!isOver.now) if (!send()) await Promise.race([once(flood, 'drain'), overloaded]);
  // As much again waits where it comes from.
  for (let count = 0; count < 50; count++) send();
  const [, refused] = await Promise.all([canary.sentSoFar(), PacketClient.open(url, 5)]);
  refused.connect('late');
  expect(await refused.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x89 });
  expect(flood.destroyed).toBe(false);

  flood.destroy();
  await canary.cut();
  broker.child.kill('SIGTERM');
  expect(await broker.exitCode()).toBe(0);
  rmSync(folder, { recursive: true });
}, 60_000);
