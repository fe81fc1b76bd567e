import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import mqtt from 'mqtt';
import { Command } from '../support/command.ts';
import { otherProgram } from '../support/other-programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'promptmq-test-server-'));
const commands: Command[] = [];

afterEach(async () => {
  for (const command of commands.splice(0)) {
    command.child.kill('SIGTERM');
    await command.exitCode();
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Ready {
  readonly url: string;
  readonly wsUrl: string;
  readonly control: string;
  readonly pid: number;
}

async function testServer(...args: string[]): Promise<Ready & { command: Command }> {
  const command = new Command(['test-server', ...args], folder);
  commands.push(command);
  const [line] = await command.waitFor(/\{.*\}/);
  return { ...(JSON.parse(line) as Ready), command };
}

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what was asked for is known.
  readonly body: any;
}

async function ask(
  { control }: Ready,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const sent = request(`${control}/${path}`, { method, headers, agent: false });
  sent.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  const isJson = `${response.headers['content-type']}`.startsWith('application/json');
  return { status: response.statusCode, body: isJson ? JSON.parse(text) : text };
}

test('every verb does over HTTP what it does in a program', async () => {
  const server = await testServer('--clock', 'fake', '--storage');
  const get = (path: string) => ask(server, 'GET', path);
  const post = (path: string, body?: unknown) => ask(server, 'POST', path, body);
  expect(await get('')).toMatchObject({
    status: 200,
    body: { url: server.url, wsUrl: server.wsUrl, clock: { isFake: true } },
  });
  const client = await mqtt.connectAsync(server.url, {
    clientId: 'dev-1',
    protocolVersion: 5,
    keepalive: 0,
    reconnectPeriod: 1,
  });
  client.on('error', () => {});
  await client.subscribeAsync('cmd', { qos: 1 });
  const commanded = once(client as unknown as NodeJS.EventEmitter, 'message');
  expect(
    await post('publish', {
      topic: 'cmd',
      payloadBase64: 'AP8=',
      qos: 1,
      properties: { correlationData: 'AQ==', contentType: 'x' },
    }),
  ).toMatchObject({ status: 200, body: { reasonCode: 0, matched: 1 } });
  const [, payload, packet] = (await commanded) as [string, Buffer, { properties: object }];
  expect([payload, packet.properties]).toMatchObject([
    Buffer.from([0, 255]),
    { correlationData: Buffer.from([1]), contentType: 'x' },
  ]);

  const waiting = post('waitFor', {
    filter: 'a/+',
    where: { payload: { on: true }, client: 'dev-1' },
  });
  await client.publishAsync('a/1', '{"on":true}', {
    qos: 1,
    properties: { correlationData: Buffer.from([1]) },
  });
  const message = {
    topic: 'a/1',
    payload: '{"on":true}',
    payloadBase64: 'eyJvbiI6dHJ1ZX0=',
    qos: 1,
    retain: false,
    properties: { correlationData: 'AQ==' },
    client: 'dev-1',
  };
  expect(await waiting).toEqual({ status: 200, body: { messages: [message] } });
  expect((await get('received?filter=a/%2B')).body).toEqual({ messages: [message] });
  expect((await get('log')).body).toMatch('dev-1 > PUBLISH a/1 qos=1 id=2 correlationData=');
  expect(await post('clear')).toEqual({ status: 200, body: {} });
  expect((await get('log')).body).toBe('');

  const before = (await get('')).body.clock.now;
  const { body } = await post('clock/advance', { duration: '2h' });
  expect(Date.parse(body.now) - Date.parse(before)).toBe(7_200_000);

  expect((await post('faults/drop', { packet: 'PUBACK', times: 1 })).body).toEqual({
    id: 1,
    kind: 'drop',
    hits: 0,
  });
  await post('faults/duplicate', { packet: 'PUBLISH', direction: 'out', topic: 'cmd' });
  await post('faults/delay', { packet: ['CONNACK'], duration: '3s' });
  await post('faults/refuse', { packet: 'CONNECT', reasonCode: 136, client: 'other' });
  await post('faults/slowReader', { client: 'other', rate: '1KB/s' });
  await post('faults/split', { size: 1, client: 'dev-1' });
  await post('faults/random', { rate: 0.5, client: 'other' });
  await post('faults/halfOpen', { client: 'other' });
  await post('faults/cut', { after: 'PUBREC' });
  const { faults } = (await get('faults')).body;
  expect(faults.map(({ kind }: { kind: string }) => kind)).toEqual([
    ...['drop', 'duplicate', 'delay', 'refuse', 'slowReader', 'split', 'random', 'halfOpen', 'cut'],
  ]);
  client.publish('a/2', '', { qos: 1 });
  await post('waitFor', { filter: 'a/2' });
  expect((await post('settle')).body).toEqual({});
  expect((await post('faults/undo', { id: 1 })).body).toEqual({ id: 1, kind: 'drop', hits: 1 });
  await post('faults/clear');
  expect((await get('faults')).body).toEqual({ faults: [] });

  expect((await post('restart', { kill: true })).body).toMatchObject({ url: server.url });
  await client.endAsync(true);
  expect(await post('stop')).toEqual({ status: 200, body: {} });
  expect(await server.command.exitCode()).toBe(0);
});

test.each<[string, 'GET' | 'POST', string, unknown, number, string]>([
  ['an unknown verb', 'POST', 'x', {}, 404, 'there is no /x: there are GET /, GET /log'],
  ['a verb of an object', 'POST', 'constructor', {}, 404, 'there is no /constructor'],
  ['another method', 'GET', 'restart', undefined, 405, '/restart takes POST, not GET'],
  ['no JSON', 'POST', 'publish', '{', 400, "the body isn't JSON"],
  ['JSON that is no object', 'POST', 'publish', [1], 400, 'the body is a JSON object, or nothing'],
  [
    'a field that there isn’t',
    'POST',
    'publish',
    { topics: 'a' },
    400,
    'publish: there is no field topics: there are topic,',
  ],
  ['a topic with wildcards', 'POST', 'publish', { topic: 'a/#' }, 400, 'wildcard in a topic name'],
  [
    'no base64',
    'POST',
    'publish',
    { topic: 'a', payloadBase64: '?' },
    400,
    'payloadBase64 is bytes as base64',
  ],
  [
    'two payloads',
    'POST',
    'publish',
    { topic: 'a', payload: '', payloadBase64: '' },
    400,
    'payload or payloadBase64, not both',
  ],
  ['no filter', 'POST', 'waitFor', {}, 400, 'waitFor: undefined is not a topic filter'],
  [
    'a condition that there isn’t',
    'POST',
    'waitFor',
    { filter: 'a', where: { topic: 'a' } },
    400,
    'there are payload, qos',
  ],
  [
    'a condition that is none',
    'POST',
    'waitFor',
    { filter: 'a', where: 1 },
    400,
    'where is an object with any of payload',
  ],
  [
    'what does not come',
    'POST',
    'waitFor',
    { filter: 'a', within: '1ms' },
    408,
    'Nothing has arrived at all.',
  ],
  [
    'a wrong duration',
    'POST',
    'clock/advance',
    { duration: 5 },
    400,
    "5 is not a duration such as '100ms'",
  ],
  ['a real clock', 'POST', 'clock/advance', { duration: '5s' }, 400, "this broker's clock is real"],
  ['a fault that there isn’t', 'POST', 'faults/drp', {}, 404, 'POST /faults/drop'],
  ['a wrong packet', 'POST', 'faults/drop', { packet: 'X' }, 400, 'the name of a packet: CONNECT'],
  [
    'a function',
    'POST',
    'faults/drop',
    { packet: 'PUBLISH', where: 'x' },
    400,
    'where is for programs in JavaScript',
  ],
  ['an unknown fault', 'POST', 'faults/undo', { id: 9 }, 400, 'there is no fault with id 9'],
  [
    'a wrong restart',
    'POST',
    'restart',
    { kill: 'yes' },
    400,
    'restart: kill: "yes" is not true or false',
  ],
  [
    'a field for a verb without',
    'POST',
    'clear',
    { x: 1 },
    400,
    'clear: there is no field x: it takes none',
  ],
])('%s is refused', async (_name, method, path, body, status, message) => {
  const server = await refusing();
  const reply = await ask(server, method, path, body);
  expect(reply).toMatchObject({
    status,
    body: { error: { message: expect.stringContaining(message) } },
  });
});

test('only programs of this machine control it', async () => {
  const server = await refusing();
  expect(new URL(server.control).hostname).toBe('127.0.0.1');
  const forbidden = { status: 403, body: { error: { code: 'forbidden' } } };
  expect(await ask(server, 'POST', 'clear', {}, { origin: 'http://evil.example' })).toMatchObject(
    forbidden,
  );
  expect(await ask(server, 'POST', 'clear', {}, { host: 'evil.example' })).toMatchObject(forbidden);
  expect(await ask(server, 'POST', 'clear', {}, { host: 'localhost:1' })).toMatchObject({
    status: 200,
  });
  expect(await ask(server, 'POST', 'publish', 'x'.repeat(16_777_217))).toMatchObject({
    status: 413,
  });
});

let refuser: Promise<Ready & { command: Command }> | null = null;

/** One server for all that is refused: nothing has happened in it. */
function refusing(): Promise<Ready & { command: Command }> {
  refuser ??= testServer().then((server) => {
    commands.splice(commands.indexOf(server.command), 1);
    return server;
  });
  return refuser;
}

afterAll(async () => {
  const server = await refuser;
  server?.command.child.kill('SIGTERM');
  await server?.command.exitCode();
});

test.each([
  [['--port', 'x'], '--port: x is not allowed; it takes a whole number from 0 to 65535'],
  [['--control', '65536'], '--control: 65536 is not allowed'],
  [['--seed', '-1'], '--seed: -1 is not allowed; it takes a whole number from 0 to 4294967295'],
  [['--clock', 'slow'], '--clock: "slow" is not allowed; it takes "real", "fake"'],
  [['--options', '{'], '--options takes JSON'],
  [['--options', '1'], '--options takes a JSON object'],
  [['--options', '{"keep":0}'], '--options: keep: 0 is not a whole number from 1'],
  [['--options', '{"mqtt":{"maxQos":3}}'], 'mqtt.max-qos (options): 3 is not allowed'],
  [['--prt', '1'], 'unknown option --prt; did you mean --port?'],
])('promptmq test-server %j is refused', async (args, message) => {
  const command = new Command(['test-server', ...args], folder);
  expect(await command.exitCode()).toBe(2);
  expect(command.errors).toContain(message);
});

test('the file says that it is ready, and is gone afterwards', async () => {
  const file = join(folder, 'ready.json');
  const server = await testServer('--ready-file', file, '--options', '{"mqtt":{"maxQos":1}}');
  const { command, ...ready } = server;
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(ready);
  expect(ready.pid).toBe(command.child.pid);
  const client = await mqtt.connectAsync(ready.wsUrl, { protocolVersion: 5 });
  await client.endAsync();
  command.child.kill('SIGINT');
  expect(await command.exitCode()).toBe(0);
  expect(existsSync(file)).toBe(false);
});

for (const [name, environment] of [
  ['test with paho-mqtt', (file: string) => [file]],
  ['test with paho.golang', () => []],
] as const) {
  const { command: program, missing } = otherProgram(name);
  if (missing !== null) {
    test.skip(`${name}: ${missing}`, () => {});
    continue;
  }
  test(`a ${name} passes`, async () => {
    const file = join(folder, 'other.json');
    await testServer('--clock', 'fake', '--storage', '--ready-file', file);
    const [executable = '', ...args] = program;
    const child = spawn(executable, [...args, ...environment(file)], {
      env: { ...process.env, READY_FILE: file },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    const [code] = await once(child, 'close');
    expect([code, output]).toEqual([0, expect.stringMatching(/OK|PASS/)]);
  });
}
