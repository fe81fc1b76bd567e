import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import mqtt, { type IClientOptions } from 'mqtt';

const scripts = join(import.meta.dirname, '../../../../scripts/index.js');
const inPlace = join(import.meta.dirname, '../../dist/entry.js');

const { command, missing } = nodeRed();

if (missing === null) describe('node-red-contrib-aedes in Node-RED', testNodeRed);
else test.skip(`node-red-contrib-aedes in Node-RED: ${missing}`, () => {});

/** What Home Assistant connects with when it is told to use MQTT 5. */
const HOME_ASSISTANT: IClientOptions = {
  protocolVersion: 5,
  clientId: '3kXnQ5dVb7LcJ0pYtRw9Zs',
  clean: true,
  keepalive: 60,
  username: 'homeassistant',
  password: 'secret',
  will: { topic: 'homeassistant/status', payload: Buffer.from('offline'), qos: 0, retain: false },
  reconnectPeriod: 0,
};

function testNodeRed(): void {
  let folder: string;
  let port: number;
  let process_: ChildProcess | null = null;
  let printed: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'promptmq-node-red-'));
    port = await freePort();
    const flows = [
      { id: 'tab', type: 'tab', label: 'broker' },
      { id: 'broker', type: 'aedes broker', z: 'tab', mqtt_port: port, wires: [['out'], ['out']] },
      { id: 'out', type: 'debug', z: 'tab', active: true, tosidebar: false, console: true },
    ];
    writeFileSync(join(folder, 'flows.json'), JSON.stringify(flows));
    const credentials = { broker: { username: 'homeassistant', password: 'secret' } };
    writeFileSync(join(folder, 'flows_cred.json'), JSON.stringify(credentials));
    const settings = {
      uiPort: 0,
      uiHost: '127.0.0.1',
      flowFile: 'flows.json',
      credentialSecret: false,
    };
    writeFileSync(join(folder, 'settings.js'), `module.exports = ${JSON.stringify(settings)};`);
  });

  afterEach(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts it, and waits until its broker listens. */
  async function start(): Promise<void> {
    const [program = '', ...args] = command;
    const child = spawn(program, [...args, '--userDir', folder], {
      cwd: folder,
      env: { ...process.env, AEDES_IN_PLACE: inPlace, AEDES_DATA_DIR: join(folder, 'data') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    process_ = child;
    printed = '';
    child.stderr.on('data', (chunk) => {
      printed += chunk;
    });
    for await (const line of createInterface(child.stdout)) {
      printed += `${line}\n`;
      if (line.includes(`Binding aedes mqtt server on port: ${port}`)) break;
    }
    if (!printed.includes('Binding aedes')) throw new Error(`Node-RED has ended: ${printed}`);
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    child.stdout.resume();
  }

  async function kill(): Promise<void> {
    const child = process_;
    process_ = null;
    if (child === null || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  const connect = (options: IClientOptions = {}) =>
    mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { ...HOME_ASSISTANT, ...options });

  test('Home Assistant connects with MQTT 5, and what is retained survives a kill', async () => {
    await start();
    const before = await connect();
    const online = new Promise<string>((resolve) => {
      before.on('message', (topic, payload) => resolve(`${topic} ${payload}`));
    });
    await before.subscribeAsync('homeassistant/#', { qos: 0 });
    await before.publishAsync('homeassistant/status', 'online');
    expect(await online).toBe('homeassistant/status online');
    const config = JSON.stringify({ name: 'lamp', state_topic: 'lamp/state' });
    const options = { qos: 1, retain: true, properties: { contentType: 'json' } } as const;
    await before.publishAsync('homeassistant/light/lamp/config', config, options);
    const lost = new Promise<void>((resolve) => {
      before.once('close', () => resolve());
    });
    await kill();
    await lost;
    expect(readdirSync(join(folder, 'data')).length).toBeGreaterThan(0);

    await start();
    const after = await connect();
    const retained = new Promise<unknown[]>((resolve) => {
      after.on('message', (topic, payload, { retain, properties }) => {
        resolve([topic, `${payload}`, retain, properties?.contentType]);
      });
    });
    await after.subscribeAsync('homeassistant/+/+/config', { qos: 1 });
    expect(await retained).toEqual(['homeassistant/light/lamp/config', config, true, 'json']);
    await after.endAsync();
  });

  test('the node’s user name and password are asked for', async () => {
    await start();
    await expect(connect({ password: 'wrong' })).rejects.toThrow(/Not authorized/);
    const client = await connect({ protocolVersion: 4 });
    await client.endAsync();
  });
}

function nodeRed(): { command: string[]; missing: string | null } {
  const { stdout } = spawnSync(process.execPath, [scripts, 'clients', '--list'], {
    encoding: 'utf8',
  });
  const programs = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return programs.find(({ name }) => name === 'Node-RED');
}

/** Node-RED's node takes no port 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
