import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NatsEngine } from '../../src/engine/nats/nats-engine.ts';
import type { NatsOptions } from '../../src/engine/nats/nats-options.ts';
import { whyTooOld, whyUnsuitable } from '../../src/engine/nats/nats-servers.ts';
import { describeEngine } from '../support/engine-contract.ts';
import { APP, NatsCluster, SYSTEM } from '../support/nats-cluster.ts';
import { otherProgram } from '../support/other-programs.ts';

const nats = otherProgram('nats-server 2.15.1');
const oldNats = otherProgram('nats-server 2.14.6');

test.each([
  ['2.15.0', null],
  ['2.15.1-beta.1', null],
  ['2.20.3', null],
  ['3.0.0', null],
  ['2.14.6', expect.stringContaining('2.14.6')],
  ['2.9.10', expect.stringContaining('use 2.15 or newer')],
  ['1.99.0', expect.anything()],
])('whether NATS server %s is new enough', (version, expected) => {
  expect(whyTooOld(version)).toEqual(expected);
});

test('each server has to sync before it acknowledges', () => {
  const server = (name: string, syncsAlways: boolean | null) => ({
    name,
    version: '2.15.1',
    syncsAlways,
  });
  const all = ['a', 'b', 'c'].map((name) => server(name, true));
  expect(whyUnsuitable(all)).toBeNull();
  expect(whyUnsuitable([...all, server('d', false)])).toMatch('NATS server d acknowledges');
  expect(whyUnsuitable([...all, server('d', null)])).toMatch('NATS server d acknowledges');
  const old = { name: 'o', version: '2.9.10', syncsAlways: null };
  expect(whyUnsuitable([...all, old])).toMatch('NATS server o: version 2.9.10');
});

test('a server that is not there is unavailable', async () => {
  const engine = new NatsEngine({ servers: ['nats://127.0.0.1:1'] });
  await expect(engine.connect()).rejects.toMatchObject({ code: 'unavailable' });
});

if (nats.missing === null) describe('servers of NATS', testServers);
else test.skip(`servers of NATS: ${nats.missing}`, () => {});

function testServers(): void {
  let cluster: NatsCluster;
  let names = 0;
  let common: NatsOptions;

  beforeAll(async () => {
    cluster = await NatsCluster.start({ command: nats.command });
    common = {
      servers: cluster.urls,
      credentials: APP,
      systemCredentials: SYSTEM,
      // What all logs may hold is reserved.
      logBytesMax: 50_000_000,
    };
  });

  afterAll(() => cluster.stop());

  describeEngine('three servers as an engine', async () => {
    const name = `contract-${names++}`;
    const [one, other] = [0, 1].map(() => new NatsEngine({ ...common, name }));
    if (one === undefined || other === undefined) throw new Error('no engines');
    return {
      one,
      other,
      close: async () => {
        await Promise.all([one.close(), other.close()]);
      },
    };
  });

  test('servers say by their system account or by their monitoring addresses that they sync first', async () => {
    const { systemCredentials: _, ...others } = common;
    for (const options of [common, { ...others, monitors: cluster.monitors }]) {
      const engine = new NatsEngine({ ...options, name: 'facts' });
      expect(await engine.connect()).toEqual({
        name: 'nats',
        version: '2.15.1',
        replicas: 3,
        syncsBeforeAck: true,
        appendBytesMax: expect.any(Number),
      });
      await engine.close();
    }
  });

  test('nobody to ask is refused unless somebody vouches for the servers', async () => {
    const { systemCredentials: _, ...others } = common;
    const refused = new NatsEngine({ ...others, name: 'facts' });
    await expect(refused.connect()).rejects.toMatchObject({
      code: 'unsuitable',
      message: expect.stringContaining('vouch for it'),
    });
    const assumed = new NatsEngine({ ...others, name: 'facts', sync: 'assumed' });
    expect(await assumed.connect()).toMatchObject({ syncsBeforeAck: 'assumed' });
    await assumed.close();
  });

  test('a password that is wrong is refused', async () => {
    const engine = new NatsEngine({ ...common, credentials: { user: 'app', password: 'x' } });
    await expect(engine.connect()).rejects.toMatchObject({ code: 'unsuitable' });
  });

  test('a log that was made otherwise is refused', async () => {
    const engine = new NatsEngine({ ...common, name: 'otherwise' });
    const single = new NatsEngine({ ...common, name: 'otherwise', replicas: 1 });
    await engine.connect();
    await engine.openLog(0);
    await expect(single.connect()).rejects.toMatchObject({ code: 'unsuitable' });
    await Promise.all([engine.close(), single.close()]);
  });

  test('a log without room is full until it is trimmed', async () => {
    const engine = new NatsEngine({ ...common, name: 'full', logBytesMax: 100_000 });
    await engine.connect();
    const log = await engine.openLog(0);
    const data = Buffer.alloc(30_000);
    let last = 0;
    for (;;) {
      const outcome = await log.append(last, [data]);
      if (outcome.kind !== 'appended') {
        expect(outcome).toEqual({ kind: 'full' });
        break;
      }
      last = outcome.sequence;
    }
    expect(last).toBe(3);
    await log.trim(2);
    expect(await log.append(last, [data])).toEqual({ kind: 'appended', sequence: 4 });
    await engine.close();
  });

  test('servers that acknowledge before they sync are refused', async () => {
    const relaxed = await NatsCluster.start({ command: nats.command, size: 1, jetstream: '' });
    try {
      const options = { servers: relaxed.urls, credentials: APP, replicas: 1 } as const;
      for (const ask of [{ systemCredentials: SYSTEM }, { monitors: relaxed.monitors }]) {
        const engine = new NatsEngine({ ...options, ...ask });
        await expect(engine.connect()).rejects.toMatchObject({
          code: 'unsuitable',
          message: expect.stringContaining('sync_interval: always'),
        });
      }
    } finally {
      await relaxed.stop();
    }
  });
}

const oldTitle = 'a server that is too old is refused';
if (oldNats.missing === null) test(oldTitle, testOldServer);
else test.skip(`${oldTitle}: ${oldNats.missing}`, () => {});

async function testOldServer(): Promise<void> {
  const old = await NatsCluster.start({ command: oldNats.command, size: 1 });
  try {
    const engine = new NatsEngine({
      servers: old.urls,
      credentials: APP,
      systemCredentials: SYSTEM,
      replicas: 1,
    });
    await expect(engine.connect()).rejects.toMatchObject({
      code: 'unsuitable',
      message: expect.stringContaining('2.14.6'),
    });
  } finally {
    await old.stop();
  }
}
