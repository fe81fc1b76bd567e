import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';
import { TestClient } from '../support/mqtt-client.ts';

const preload = pathToFileURL(join(import.meta.dirname, '../support/uncaught-errors.mjs')).href;

// Windows has no signal to tell a process of its own when it is to throw.
const testOnUnix = process.platform === 'win32' ? test.skip : test;

testOnUnix(
  'an error that nobody catches is logged with its stack, and clients stay connected',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-uncaught-'));
    const args = ['--bind', '127.0.0.1:0', '--ws-bind', 'none', '--metrics-bind', 'none'];
    const command = new Command(
      [...args, '--log-format', 'json', '--storage-enabled', 'false'],
      folder,
      { NODE_OPTIONS: `--import ${preload}` },
    );
    try {
      const [, address] = await command.waitFor(/"protocol":"mqtt","address":"([^"]+)"/);
      await command.waitFor(/"event":"ready"/);
      const client = await TestClient.connect(`mqtt://${address}`);
      command.child.kill('SIGUSR2');
      await command.waitFor(
        /"internal-error","activity":"unknown".*planted exception.*uncaught-errors/,
      );
      await command.waitFor(
        /"internal-error","activity":"unknown".*planted rejection.*uncaught-errors/,
      );
      await client.mqtt.subscribeAsync('t');
      await client.mqtt.publishAsync('t', 'still here', { qos: 1 });
      await client.messages(1);
      await client.end();
      command.child.kill('SIGTERM');
      expect(await command.exitCode()).toBe(0);
    } finally {
      command.child.kill('SIGKILL');
      await command.exitCode();
      rmSync(folder, { recursive: true });
    }
  },
);
