import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';
import { PacketClient } from '../support/packet-client.ts';

let folder: string;
let broker: Command | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-clients-'));
  broker = null;
  writeFileSync(
    join(folder, 'promptmq.yaml'),
    'server: { bind: "127.0.0.1:0", ws-bind: none }\nstorage: { data-dir: data, wal-dir: wal }\nmetrics: { enabled: false }\nlog: { format: json }\n',
  );
});

afterEach(async () => {
  broker?.child.kill('SIGTERM');
  await broker?.exitCode();
  rmSync(folder, { recursive: true });
});

async function startBroker(): Promise<string> {
  broker = new Command([], folder);
  const [, address] = await broker.waitFor(/"address":"([^"]+)"/);
  await broker.waitFor(/"event":"ready"/);
  return `mqtt://${address}`;
}

async function run(...args: string[]) {
  const command = new Command(args, folder);
  const status = await command.exitCode();
  return { status, stdout: command.output, stderr: command.errors };
}

test('clients are listed, shown and disconnected', async () => {
  const url = await startBroker();
  const left = await PacketClient.open(url, 4);
  left.connect('left "1"');
  left.subscribe('a/+', 1, 1);
  await left.sentSoFar();
  await left.cut();
  const here = await PacketClient.open(url);
  here.connect('here', { keepalive: 60 });
  await here.next();

  const { stdout } = await run('clients', 'list');
  const [first, second, ...others] = stdout.split('\n');
  expect(first).toMatch(
    /^"left \\"1\\"" disconnected since=\d{4}-\S+Z expiry_interval=4294967295 durable=true created_at=\S+ subscriptions_cnt=1 mqueue_len=0 mqueue_bytes=0 mqueue_dropped=0 inflight_cnt=0 inflight_max=1000 awaiting_rel_cnt=0$/,
  );
  expect(second).toMatch(
    /^"here" connected since=\S+ ip_address=127.0.0.1 port=\d+ proto_ver=5 protocol=tcp .*keepalive=60 .*expiry_interval=1000 /,
  );
  expect(others).toEqual(['']);
  const asJson = await run('clients', 'list', '--like', 'ere', '--limit', '1', '--json');
  expect(JSON.parse(asJson.stdout)).toMatchObject({ clientid: 'here', connected: true });
  expect((await run('clients', 'show', 'left "1"')).stdout).toMatch(
    /\n {2}"a\/\+" qos=1 nl=0 rap=0 rh=0\n$/,
  );
  const options = ['--reason-code', '0x8b', '--drop-session', '--prevent-will'];
  expect(await run('clients', 'disconnect', 'here', ...options)).toEqual({
    status: 0,
    stdout: 'disconnected "here"\n',
    stderr: '',
  });
  expect(await here.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
  await here.cut();
  expect(await run('clients', 'disconnect', 'here')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'promptmq: "here" is not connected: nothing was done\n',
  });
  expect(await run('clients', 'show', 'here')).toMatchObject({
    status: 1,
    stderr: 'promptmq: "here" has no session\n',
  });
});

test('a client whose name no path can have is shown and disconnected', async () => {
  const url = await startBroker();
  const client = await PacketClient.open(url);
  client.connect('..');
  await client.next();
  expect((await run('clients', 'show', '..')).stdout).toMatch(/^"\.\." connected /);
  expect((await run('clients', 'disconnect', '..')).stdout).toBe('disconnected ".."\n');
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x98 });
  await client.cut();
});

test('retained messages are listed, shown and cleared', async () => {
  const url = await startBroker();
  const client = await PacketClient.open(url);
  client.connect('c');
  for (const [topic, payload] of [
    ['dev/1', 'on'],
    ['dev/2', 'off'],
    ['other', 'x'],
  ]) {
    client.publish(`${topic}`, `${payload}`, 1, 1, { retain: true });
    await client.sentSoFar();
  }
  await client.cut();
  const { stdout } = await run('retained', 'list', 'dev/#');
  expect(stdout.split('\n').sort()).toEqual([
    '',
    '"dev/1" qos=1 from_clientid=c payload_size=2',
    '"dev/2" qos=1 from_clientid=c payload_size=3',
  ]);
  expect(await run('retained', 'show', 'dev/2')).toEqual({ status: 0, stdout: 'off', stderr: '' });
  expect(JSON.parse((await run('retained', 'show', 'dev/2', '--json')).stdout)).toMatchObject({
    topic: 'dev/2',
    payload: 'off',
    payload_encoding: 'plain',
  });
  expect(await run('retained', 'show', 'dev/3')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'promptmq: "dev/3" has no retained message\n',
  });
  const some = await run('retained', 'list', '#', '--limit', '2');
  expect(some.stdout.trimEnd().split('\n').length).toBe(2);
  expect(await run('retained', 'show', 'dev/+')).toMatchObject({
    status: 1,
    stderr: 'promptmq: "dev/+" has wildcards: list takes filters\n',
  });
  expect((await run('retained', 'clear', 'dev/+')).stdout).toBe('cleared 2 retained messages\n');
  expect(JSON.parse((await run('retained', 'list', '#', '--json')).stdout)).toMatchObject({
    topic: 'other',
  });
});

test('without a broker the exit code is 3; a wrong call says what is right', async () => {
  for (const args of [
    ['clients', 'list'],
    ['clients', 'show', 'c'],
    ['clients', 'disconnect', 'c'],
    ['retained', 'list', '#'],
    ['retained', 'show', 't'],
    ['retained', 'clear', '#'],
  ]) {
    expect([args, await run(...args)]).toMatchObject([
      args,
      { status: 3, stderr: expect.stringMatching(/^promptmq: no broker listens on .*sock\n$/) },
    ]);
  }
  expect(await run('clients')).toMatchObject({
    status: 2,
    stderr:
      'promptmq: clients needs one of list, show and disconnect, such as promptmq clients list\n',
  });
  expect(await run('retained', 'clear')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/retained clear needs FILTER, a topic filter/),
  });
  expect(await run('clients', 'list', '--lik', 'x')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/did you mean --like\?/),
  });
  expect(await run('clients', 'list', '--limit', '0')).toMatchObject({
    status: 1,
    stderr: 'promptmq: --limit takes a whole number from 1 on, not "0"\n',
  });
});
