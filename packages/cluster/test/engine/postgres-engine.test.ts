import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { EngineLog } from '../../src/engine/engine.ts';
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

  test('who watches is told of changes at once; where nothing can be told, it looks by itself', async () => {
    const writer = engineOf('notices');
    const patient = engineOf('notices', { pollMs: 3_600_000 });
    const eager = engineOf('notices', { pollMs: 20 });
    const engines = [writer, patient, eager];
    try {
      for (const engine of engines) await engine.connect();
      const told = new Watched(patient);
      const looked = new Watched(eager);
      const first = (await writer.map.put('cell.1', Buffer.from('a'), 0)) as number;
      await told.until('a');
      await looked.until('a');
      const listening = "select pid from pg_stat_activity where query like 'listen pmq_notices%'";
      await sql(server, `select pg_terminate_backend(pid) from (${listening}) as found`);
      const second = (await writer.map.put('cell.1', Buffer.from('b'), first)) as number;
      await looked.until('b');
      await told.until('b');
      // Now it is listened to, and nothing but a notice can tell.
      await writer.map.put('cell.1', Buffer.from('c'), second);
      await told.until('c');
      told.end();
      looked.end();
    } finally {
      for (const engine of engines) await engine.close();
    }
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

  test('what the database refuses for good is not tried again: the log ends, and says why', async () => {
    const engine = engineOf('refuses');
    await engine.connect();
    const log = await engine.openLog(0);
    expect(await log.append(0, [Buffer.from('one')])).toMatchObject({ kind: 'appended' });
    await sql(server, 'drop table pmq_refuses_entry');
    expect(await log.append(1, [Buffer.from('two')])).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('42P01'),
    });
    await expect(readAll(log)).rejects.toMatchObject({ code: 'unsuitable' });
    await engine.close();
    const stranger = new PostgresEngine({ urls: [server.url.replace('/postgres', '/none')] });
    await expect(stranger.connect()).rejects.toMatchObject({
      code: 'unsuitable',
      message: expect.stringContaining('3D000'),
    });
  });

  test('a server dies, and a standby takes its place: nothing acknowledged is lost, and nothing is acknowledged without a copy', async () => {
    const standbys = ['synchronous_standby_names=*'];
    const first = await PostgresServer.start(folder, standbys);
    const second = await first.follower(standbys);
    const urls = [first.url, second.url];
    const servers = [first, second];
    const options = { urls, name: 'failover', replicas: 2, pollMs: 20, timeoutMs: 1000 };
    const engine = new PostgresEngine(options);
    try {
      await engine.connect();
      const log = await engine.openLog(0);
      for (let after = 0; after < 5; after++) {
        const outcome = await log.append(after, [Buffer.from(`${after}`)]);
        expect(outcome).toEqual({ kind: 'appended', sequence: after + 1 });
      }
      await first.kill();
      expect(await log.append(5, [Buffer.from('5')])).toMatchObject({ kind: 'unknown' });
      second.promote();
      // It has the entry alone.
      expect(await log.append(5, [Buffer.from('5')])).toMatchObject({ kind: 'unknown' });
      servers.push(await second.follower());
      expect(await readAll(log)).toEqual(['0', '1', '2', '3', '4', '5']);
      expect(await log.append(6, [Buffer.from('6')])).toEqual({ kind: 'appended', sequence: 7 });
      // The former one comes back, and takes writes.
      await first.serve();
      const newcomer = new PostgresEngine(options);
      await newcomer.connect();
      expect(await readAll(await newcomer.openLog(0))).toHaveLength(7);
      await newcomer.close();
      await second.kill();
      // Who was connected finds out with it.
      await log.append(7, [Buffer.from('7')]);
      expect(await log.append(7, [Buffer.from('7')])).toMatchObject({
        kind: 'unknown',
        why: expect.stringContaining('another server has taken its place'),
      });
    } finally {
      await engine.close();
      for (const one of servers) await one.stop();
    }
  });

  test('a server that would acknowledge without a copy does not take the place of one that has standbys', async () => {
    const first = await PostgresServer.start(folder, ['synchronous_standby_names=*']);
    const second = await first.follower();
    const engine = new PostgresEngine({
      urls: [first.url, second.url],
      name: 'alone',
      replicas: 2,
    });
    try {
      await engine.connect();
      const log = await engine.openLog(0);
      await log.append(0, [Buffer.from('one')]);
      await first.kill();
      second.promote();
      await log.append(1, [Buffer.from('two')]);
      expect(await log.append(1, [Buffer.from('two')])).toMatchObject({
        kind: 'unknown',
        why: expect.stringContaining('name the standbys'),
      });
    } finally {
      await engine.close();
      await first.stop();
      await second.stop();
    }
  });
}

/** The value of a key, as who watches sees it. */
class Watched {
  #value = '';
  #notify = () => {};
  readonly end: () => void;

  constructor(engine: PostgresEngine) {
    this.end = engine.map.watch('cell.', (_key, value) => {
      this.#value = `${Buffer.from(value ?? [])}`;
      this.#notify();
    });
  }

  async until(value: string): Promise<void> {
    while (this.#value !== value) {
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }
}

async function readAll(log: EngineLog): Promise<string[]> {
  const found: string[] = [];
  for await (const { data } of log.read(1, 1 << 20)) found.push(Buffer.from(data).toString());
  return found;
}

async function sql(server: PostgresServer, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(text);
  await client.end();
}
