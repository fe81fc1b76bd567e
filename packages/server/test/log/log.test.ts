import { PassThrough, Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { createLogger, type Logger, rateLimited } from '../../src/log/index.ts';

async function logged(
  format: 'console' | 'json',
  use: (logger: Logger) => void,
): Promise<string[]> {
  const stream = new PassThrough();
  use(await createLogger({ level: 'info', format, stream }));
  return String(stream.read() ?? '')
    .split('\n')
    .slice(0, -1);
}

test('JSON lines have time, level, event and the fields', async () => {
  const [line, ...others] = await logged('json', (logger) => {
    logger.debug('hidden');
    logger.warn('client-refused', { clientId: 'a b', reasonCode: 0x87 });
  });
  expect(others).toEqual([]);
  expect(JSON.parse(`${line}`)).toMatchObject({
    level: 'warn',
    event: 'client-refused',
    clientId: 'a b',
    reasonCode: 0x87,
  });
});

test('console lines quote what would break them', async () => {
  const [line, ...others] = await logged('console', (logger) =>
    logger.info('event', { id: 'line\nbreak', port: 1883 }),
  );
  expect(others).toEqual([]);
  expect(line).toMatch(/^\S+Z info {2}event id="line\\nbreak" port=1883$/);
});

test.each([0x7f, 0x85, 0x9b, 0x61c, 0x200f, 0x2028, 0x2029, 0x202e, 0x2066, 0x2069])(
  'console lines have nothing that a terminal obeys: U+%i',
  async (code) => {
    const [line] = await logged('console', (logger) =>
      logger.info('event', { id: `a${String.fromCharCode(code)}b` }),
    );
    expect(line?.slice(25)).toBe(`info  event id="a\\u${code.toString(16).padStart(4, '0')}b"`);
  },
);

test('a flood is cut to its limit, and the number of lines left out is logged', () => {
  const lines: string[] = [];
  let now = 0;
  const target = {
    info: (event: string) => lines.push(event),
    warn: (event: string, fields?: object) => lines.push(`${event} ${JSON.stringify(fields)}`),
  } as unknown as Logger;
  const limited = rateLimited(target, { perSecond: 2, now: () => now });
  for (let index = 0; index < 100; index++) limited.info(`line ${index}`);
  expect(lines).toEqual(Array.from({ length: 10 }, (_, index) => `line ${index}`));
  now += 1000;
  limited.info('later');
  expect(lines.slice(10)).toEqual(['log-lines-suppressed {"count":90}', 'later']);
});

test('lines of a level that is not written take nothing of the limit', async () => {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(JSON.parse(String(chunk)).event);
      done();
    },
  });
  const logger = await createLogger({ level: 'warn', format: 'json', stream });
  const limited = rateLimited(logger, { perSecond: 1, now: () => 0 });
  for (let index = 0; index < 100; index++) limited.info('connected');
  limited.warn('refused');
  logger.setStyle({ level: 'info', format: 'json' });
  for (let index = 0; index < 4; index++) limited.info('connected');
  limited.info('one too many');
  expect(lines).toEqual(['refused', 'connected', 'connected', 'connected', 'connected']);
});
