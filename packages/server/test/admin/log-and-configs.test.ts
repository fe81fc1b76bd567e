import { PassThrough } from 'node:stream';
import { afterEach, expect, test } from '@jest/globals';
import { Admin } from '../../src/admin/admin.ts';
import { ConfigError, loadConfig } from '../../src/config/index.ts';
import { createBroker } from '../../src/embed/create-broker.ts';
import { createLogger, LogTail, noopLogger, tailed } from '../../src/log/index.ts';
import { basic, SECRET } from '../support/admin-web.ts';
import { ApiBroker } from '../support/api-broker.ts';

let api: ApiBroker;

afterEach(() => api.stop());

interface Line {
  readonly level: string;
  readonly event: string;
  readonly fields: Record<string, unknown>;
}

async function startWithLog(linesMax = 3) {
  const tail = new LogTail(() => linesMax);
  const stream = new PassThrough().resume();
  const lines = await createLogger({ level: 'info', format: 'json', stream });
  const logger = tailed(lines, tail);
  api = await ApiBroker.start({}, undefined, { logTail: tail });
  return { logger, lines, tail };
}

test('the last lines are sent, then each as it is written, by level and text', async () => {
  const { logger } = await startWithLog();
  for (let count = 1; count <= 10; count++) logger.info('counted', { count });
  logger.warn('odd', { key: 'a "b" \n\n' });
  logger.debug('unwritten');
  const all = await api.events('/logs');
  expect((await all.next<Line>()).data).toEqual({
    time: expect.any(String),
    level: 'info',
    event: 'counted',
    fields: { count: 9 },
  });
  expect((await all.next<Line>()).data.fields).toEqual({ count: 10 });
  const { id, data } = await all.next<Line>();
  expect(data).toMatchObject({ level: 'warn', event: 'odd', fields: { key: 'a "b" \n\n' } });
  const errors = await api.events('/logs?level=error&lines=0');
  const some = await api.events('/logs?filter=NEEDLE&lines=0');
  logger.info('passing');
  logger.error('failed', { of: 'a needle' });
  expect((await all.next<Line>()).data.event).toBe('passing');
  expect((await errors.next<Line>()).data.event).toBe('failed');
  expect((await some.next<Line>()).data.event).toBe('failed');
  // Who comes back gets what he hasn't had.
  all.close();
  const again = await api.events('/logs', { 'last-event-id': id as string });
  expect((await again.next<Line>()).data.event).toBe('passing');
  for (const one of [errors, some, again]) one.close();
  expect(await api.get('/logs?level=loud')).toMatchObject({ status: 400 });
});

test('who used the API, and how, is in the log for those who may see the audit', async () => {
  const { logger, tail } = await startWithLog();
  const keys = [
    { name: 'reader', secret: SECRET, scopes: ['read'] },
    { name: 'auditor', secret: SECRET, scopes: ['read', 'config'] },
  ] as never;
  const broker = await createBroker({ server: { wsBind: 'none' }, admin: { keys } });
  const admin = await Admin.start(broker, noopLogger, { logTail: tail });
  const open = async (name: string) => {
    const { body } = await fetch(`${admin.url}/api/v5/logs`, { headers: basic(name) });
    return (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  };
  const until = async (name: string, event: string) => {
    const reader = await open(name);
    let text = '';
    while (!text.includes(event)) text += (await reader.read()).value;
    await reader.cancel();
    return text;
  };
  logger.info('admin-request', { who: 'ops', path: '/api/v5/clients/a' });
  logger.warn('admin-login-refused', { key: 'ops' });
  logger.info('last');
  expect(await until('reader', '"last"')).not.toContain('ops');
  expect(await until('auditor', '"last"')).toContain('/api/v5/clients/a');
  await admin.close();
  await broker.stop();
});

test('fields of which no line can be made are no end, and the logger is as it was', async () => {
  const { logger, lines } = await startWithLog();
  const endless: Record<string, unknown> = {};
  endless.self = endless;
  logger.info('endless', endless);
  const log = await api.events('/logs');
  expect((await log.next<Line>()).data).toMatchObject({ fields: { error: expect.any(String) } });
  log.close();
  expect(logger.isEnabled?.('debug')).toBe(false);
  logger.setStyle({ level: 'debug', format: 'json' });
  expect(lines.isEnabled?.('debug')).toBe(true);
  expect(logger.droppedCount?.()).toBe(0);
});

test('options are shown with where they come from, and secrets never', async () => {
  const loaded = loadConfig({
    flags: { 'max-qos': '1' },
    environment: {
      PROMPTMQ_ADMIN_KEYS: '[{"name":"k","secret":"0123456789abcdef-hidden","scopes":["read"]}]',
    },
  });
  api = await ApiBroker.start({}, undefined, {
    configuration: { loaded, reload: () => ({ changed: [], needRestart: [] }) },
  });
  const { status, body } = await api.get<{ data: { key: string }[] }>('/configs');
  expect(status).toBe(200);
  expect(JSON.stringify(body)).not.toContain('hidden"}');
  expect(JSON.stringify(body)).not.toContain('0123456789abcdef');
  expect(body.data.find(({ key }) => key === 'mqtt.max-qos')).toEqual({
    key: 'mqtt.max-qos',
    value: '1',
    default: '2',
    is_default: false,
    origin: 'flag',
    source: '--max-qos',
    needs_restart: expect.any(Boolean),
    description: expect.any(String),
  });
  expect(body.data.find(({ key }) => key === 'admin.keys')).toMatchObject({
    origin: 'environment',
    source: 'PROMPTMQ_ADMIN_KEYS',
  });
  expect(body.data.find(({ key }) => key === 'log.level')).toMatchObject({
    value: 'info',
    is_default: true,
    origin: 'default',
  });
});

test('a reload says what has changed, or what is wrong and where', async () => {
  const problem = { key: 'mqtt.max-qos', source: 'promptmq.yaml:3:5', message: 'takes 0 to 2' };
  let isWrong = false;
  api = await ApiBroker.start({}, undefined, {
    configuration: {
      loaded: loadConfig({ flags: {} }),
      reload: () => {
        if (isWrong) throw new ConfigError([problem]);
        return { changed: ['log.level'], needRestart: ['server.bind'] };
      },
    },
  });
  expect(await api.post('/configs/reload')).toEqual({
    status: 200,
    body: { changed: ['log.level'], need_restart: ['server.bind'] },
  });
  isWrong = true;
  expect(await api.post('/configs/reload')).toEqual({
    status: 400,
    body: {
      code: 'BAD_CONFIG',
      message: 'mqtt.max-qos (promptmq.yaml:3:5): takes 0 to 2',
      problems: [problem],
    },
  });
});
