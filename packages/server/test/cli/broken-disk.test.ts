import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';
import { TestClient } from '../support/mqtt-client.ts';

const preload = pathToFileURL(join(import.meta.dirname, '../support/broken-disk.mjs')).href;

const ANY_PORT = [
  ...['--bind', '127.0.0.1:0', '--ws-bind', 'none', '--metrics-bind', 'none'],
  ...['--log-format', 'json'],
];

const session = { clientId: 'keeper', clean: false, protocolVersion: 5 } as const;
const options = { ...session, properties: { sessionExpiryInterval: 1000 } };

// Windows has no signal to tell a process of its own that something is broken.
const testOnUnix = process.platform === 'win32' ? test.skip : test;

testOnUnix(
  'a disk that breaks ends the process with 1 and a line that says why; what was acknowledged is kept',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-broken-'));
    const commands: Command[] = [];
    const start = async (environment: Record<string, string>) => {
      const command = new Command(ANY_PORT, folder, environment);
      commands.push(command);
      const [, address] = await command.waitFor(/"protocol":"mqtt","address":"([^"]+)"/);
      await command.waitFor(/"event":"ready"/);
      return { command, url: `mqtt://${address}` };
    };
    try {
      const { command, url } = await start({ NODE_OPTIONS: `--import ${preload}` });
      const client = await TestClient.connect(url, options);
      await client.mqtt.subscribeAsync('kept', { qos: 1 });
      await client.crash();
      const publisher = await TestClient.connect(url, { protocolVersion: 5 });
      await publisher.mqtt.publishAsync('kept', 'safe', { qos: 1 });
      command.child.kill('SIGUSR2');
      await command.waitFor(/the disk is broken/);
      let isAcknowledged = false;
      const closed = publisher.closed();
      publisher.mqtt.publish('kept', 'lost', { qos: 1 }, (error) => {
        isAcknowledged = error === undefined || error === null;
      });
      await closed;
      expect(isAcknowledged).toBe(false);
      expect(await command.exitCode()).toBe(1);
      const fatal = command.output.split('\n').filter((line) => line.includes('"level":"fatal"'));
      expect(fatal).toEqual([expect.stringMatching(/"event":"storage-failed".*EIO.*fdatasync/)]);
      expect(command.errors).toBe('');

      const next = await start({});
      const again = await TestClient.connect(next.url, options);
      expect((await again.messages(1))[0]).toMatchObject({ topic: 'kept', payload: 'safe' });
      await again.end();
      next.command.child.kill('SIGTERM');
      expect(await next.command.exitCode()).toBe(0);
    } finally {
      for (const command of commands) {
        command.child.kill('SIGKILL');
        await command.exitCode();
      }
      rmSync(folder, { recursive: true });
    }
  },
);
