import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PostgresEngine } from '../../src/engine/postgres/postgres-engine.ts';
import { whyRelaxed } from '../../src/engine/postgres/postgres-tables.ts';
import { describeEngine } from '../support/engine-contract.ts';
import { PostgresServer, postgresPrograms } from '../support/postgres-server.ts';

const programs = postgresPrograms();

test('a server has to sync, and standbys have to be named where there are to be some', () => {
  const settings = { fsync: 'on', full_page_writes: 'on', synchronous_standby_names: '*' };
  expect(whyRelaxed(settings, 2)).toBeNull();
  expect(whyRelaxed({ ...settings, synchronous_standby_names: '' }, 1)).toBeNull();
  expect(whyRelaxed({ ...settings, synchronous_standby_names: '' }, 2)).toMatch(
    'name the standbys',
  );
  expect(whyRelaxed({ ...settings, fsync: 'off' }, 2)).toMatch('set fsync = on');
  expect(whyRelaxed({ ...settings, full_page_writes: 'off' }, 1)).toMatch('full_page_writes = on');
});

test('a server that is not there is unavailable', async () => {
  const engine = new PostgresEngine({ urls: ['postgres://nobody@127.0.0.1:1/none'] });
  await expect(engine.connect()).rejects.toMatchObject({ code: 'unavailable' });
});

test('a name that could be no part of a table is refused', async () => {
  const engine = new PostgresEngine({ urls: ['postgres://127.0.0.1:1/none'], name: 'a"b' });
  await expect(engine.connect()).rejects.toMatchObject({ code: 'unsuitable' });
});

if (programs === null)
  test.skip('a server of PostgreSQL: not installed; `node scripts clients` installs it, as root', () => {});
else describe('a server of PostgreSQL', () => testServer(programs));

function testServer(folder: string): void {
  let server: PostgresServer;
  let names = 0;

  beforeAll(async () => {
    server = await PostgresServer.start(folder);
  });

  afterAll(() => server.stop());

  const engineOf = (name: string, options = {}) =>
    new PostgresEngine({ urls: [server.url], name, replicas: 1, pollMs: 20, ...options });

  describeEngine('as an engine', async () => {
    const name = `contract_${names++}`;
    const [one, other] = [engineOf(name), engineOf(name)];
    return {
      one,
      other,
      close: async () => {
        await Promise.all([one.close(), other.close()]);
      },
    };
  });

  test('it says what it is', async () => {
    const engine = engineOf('facts');
    expect(await engine.connect()).toMatchObject({
      name: 'postgres',
      replicas: 1,
      syncsBeforeAck: true,
    });
    await engine.close();
  });

  test('without standbys it keeps one copy, and is refused when there are to be two', async () => {
    const engine = engineOf('facts', { replicas: 2 });
    await expect(engine.connect()).rejects.toMatchObject({
      code: 'unsuitable',
      message: expect.stringContaining('synchronous_standby_names'),
    });
  });

  test('of several servers the one that is there is used', async () => {
    const urls = ['postgres://nobody@127.0.0.1:1/none', server.url];
    const engine = engineOf('several', { urls });
    await engine.connect();
    await engine.close();
  });

  test('a log without room is full until it is trimmed', async () => {
    const engine = engineOf('full', { logBytesMax: 100_000 });
    await engine.connect();
    const log = await engine.openLog(0);
    const data = Buffer.alloc(30_000);
    for (let after = 0; after < 3; after++) await log.append(after, [data]);
    expect(await log.append(3, [data])).toEqual({ kind: 'full' });
    await log.trim(2);
    expect(await log.append(3, [data])).toEqual({ kind: 'appended', sequence: 4 });
    await engine.close();
  });

  test('a server that does not sync is refused', async () => {
    const relaxed = await PostgresServer.start(folder, ['fsync=off']);
    try {
      const engine = new PostgresEngine({ urls: [relaxed.url], replicas: 1 });
      await expect(engine.connect()).rejects.toMatchObject({
        code: 'unsuitable',
        message: expect.stringContaining('set fsync = on'),
      });
    } finally {
      await relaxed.stop();
    }
  });
}
