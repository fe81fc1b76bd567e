import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { hashPassword } from '@promptmq/auth';
import type { Packet } from '@promptmq/codec';
import type { IClientOptions } from 'mqtt';
import { Access } from '../../src/access/index.ts';
import {
  type AuthenticationMethod,
  type ConfigInput,
  createBroker,
  parseConfig,
  type RunningBroker,
} from '../../src/index.ts';
import { TestClient } from '../support/mqtt-client.ts';
import { Simulation } from '../support/simulation.ts';

let folder: string;
let aliceLine: string;
let bobLine: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-users-'));
  aliceLine = `alice:${await hashPassword('open sesame')}\n`;
  bobLine = `bob:${await hashPassword('builder')}\n`;
});

afterAll(() => rmSync(folder, { recursive: true }));

let broker: RunningBroker | null = null;

afterEach(async () => {
  await broker?.stop();
  broker = null;
});

function passwords(...lines: string[]): string {
  const path = join(folder, 'passwords');
  writeFileSync(path, lines.join(''));
  return path;
}

async function start(config: ConfigInput, methods: AuthenticationMethod[] = []): Promise<string> {
  broker = await createBroker(config, { authenticationMethods: methods });
  return broker.url as string;
}

const alice: IClientOptions = {
  username: 'alice',
  password: 'open sesame',
  clientId: 'the-client',
  clean: false,
};
const bob: IClientOptions = { ...alice, username: 'bob', password: 'builder' };
const nobody: IClientOptions = { clientId: 'the-client', clean: false };

const refused = [
  [4, 5],
  [5, 0x87],
] as const;

/** Of MQTT 5 sessions, too. */
function lasting(options: IClientOptions, protocolVersion: 4 | 5): IClientOptions {
  const properties = protocolVersion === 5 ? { sessionExpiryInterval: 3600 } : {};
  return { ...options, protocolVersion, properties };
}

/** Alice's session, with a message that waits in it. */
async function leaveMessage(url: string, version: 4 | 5): Promise<void> {
  const first = await TestClient.connect(url, lasting(alice, version));
  await first.mqtt.subscribeAsync('secret', { qos: 1 });
  await first.end();
  const publisher = await TestClient.connect(url);
  await publisher.mqtt.publishAsync('secret', 'for alice', { qos: 1 });
  await publisher.end();
}

describe('a session belongs to the user who made it', () => {
  test.each(refused)(
    'version %p: another user is refused, alice gets what waits',
    async (version, code) => {
      const url = await start({
        auth: { passwordFile: passwords(aliceLine, bobLine), allowAnonymous: true },
      });
      await leaveMessage(url, version);
      for (const other of [bob, { ...bob, clean: true }, nobody]) {
        await expect(TestClient.connect(url, lasting(other, version))).rejects.toMatchObject({
          code,
        });
      }
      const owner = await TestClient.connect(url, lasting(alice, version));
      expect((await owner.messages(1)).map(({ payload }) => payload)).toEqual(['for alice']);
      await expect(TestClient.connect(url, lasting(bob, version))).rejects.toMatchObject({ code });
      await owner.mqtt.publishAsync('still', 'connected', { qos: 1 });
      await owner.end();
    },
  );

  test('it does so after a restart', async () => {
    const dataDir = mkdtempSync(join(folder, 'data-'));
    const config = {
      auth: { passwordFile: passwords(aliceLine, bobLine), allowAnonymous: true },
      storage: { enabled: true, dataDir, walDir: join(dataDir, 'wal') },
    };
    await leaveMessage(await start(config), 4);
    await broker?.stop();
    const url = await start(config);
    await expect(TestClient.connect(url, bob)).rejects.toMatchObject({ code: 5 });
    const owner = await TestClient.connect(url, alice);
    expect((await owner.messages(1)).map(({ payload }) => payload)).toEqual(['for alice']);
    await owner.end();
  });

  test('where configured, another user gets a new session, and the former ends', async () => {
    const auth = {
      passwordFile: passwords(aliceLine, bobLine),
      allowAnonymous: true,
      otherUsersSession: 'replace',
    } as const;
    const url = await start({ auth });
    await leaveMessage(url, 4);
    const owner = await TestClient.connect(url, { ...alice, clientId: 'other' });
    const other = await TestClient.connect(url, bob);
    expect(broker?.stats.sessionsCurrent).toBe(2);
    await other.mqtt.subscribeAsync('now', { qos: 1 });
    await owner.mqtt.publishAsync('secret', 'again', { qos: 1 });
    await owner.mqtt.publishAsync('now', 'for bob', { qos: 1 });
    expect((await other.messages(1)).map(({ payload }) => payload)).toEqual(['for bob']);
    await Promise.all([owner.end(), other.end()]);
  });

  test('one that no user made becomes the first user’s', async () => {
    const url = await start({ auth: { passwordFile: passwords(aliceLine), allowAnonymous: true } });
    await (await TestClient.connect(url, nobody)).end();
    await (await TestClient.connect(url, nobody)).end();
    await (await TestClient.connect(url, alice)).end();
    await expect(TestClient.connect(url, nobody)).rejects.toMatchObject({ code: 5 });
  });

  test('where no client can prove to be a user, it is everyone’s', async () => {
    const url = await start({ auth: { passwordFile: passwords(aliceLine), allowAnonymous: true } });
    await leaveMessage(url, 4);
    await broker?.reconfigure(parseConfig({ server: {}, auth: {} }));
    const client = await TestClient.connect(url, nobody);
    expect((await client.messages(1)).map(({ payload }) => payload)).toEqual(['for alice']);
    await client.end();
  });

  test('the user of an authentication method counts, and can’t change', async () => {
    const named = (data: Uint8Array) => Buffer.from(data).toString();
    const method: AuthenticationMethod = {
      name: 'by-word',
      begin: () => ({ next: (data) => ({ result: 'success', userName: named(data) }) }),
    };
    const url = await start({}, [method]);
    const as = (userName: string): IClientOptions => ({
      clientId: 'the-client',
      clean: false,
      protocolVersion: 5,
      properties: {
        sessionExpiryInterval: 3600,
        authenticationMethod: 'by-word',
        authenticationData: Buffer.from(userName),
      },
    });
    const client = await TestClient.connect(url, as('alice'));
    await expect(TestClient.connect(url, as('bob'))).rejects.toMatchObject({ code: 0x87 });
    const told = new Promise((resolve) => client.mqtt.once('disconnect', resolve));
    const closed = client.closed();
    client.mqtt.reconnecting = false;
    client.mqtt.stream.write(
      // AUTH with 0x19, the method, and data that names bob.
      Buffer.concat([
        Buffer.from([0xf0, 18, 0x19, 16, 0x15, 0, 7]),
        Buffer.from('by-word'),
        Buffer.from([0x16, 0, 3]),
        Buffer.from('bob'),
      ]),
    );
    expect(await told).toMatchObject({ reasonCode: 0x87 });
    await closed;
  });
});

describe('a reload', () => {
  const own = (options: IClientOptions, clientId: string): IClientOptions => ({
    ...options,
    clientId,
    protocolVersion: 5,
  });

  test('disconnects whose user is gone or has another password, and nobody else', async () => {
    const carol = `carol:${await hashPassword('sunday')}\n`;
    const url = await start({ auth: { passwordFile: passwords(aliceLine, bobLine, carol) } });
    const stays = await TestClient.connect(url, own(alice, 'stays'));
    const removed = await TestClient.connect(url, own(bob, 'removed'));
    const changed = await TestClient.connect(
      url,
      own({ username: 'carol', password: 'sunday' }, 'changed'),
    );
    const told = [removed, changed].map(
      (client) => new Promise((resolve) => client.mqtt.once('disconnect', resolve)),
    );
    const anotherCarol = `carol:${await hashPassword('monday')}\n`;
    broker?.reconfigure(
      parseConfig({ auth: { passwordFile: passwords(aliceLine, anotherCarol) } }),
    );
    expect(await Promise.all(told)).toMatchObject([{ reasonCode: 0x87 }, { reasonCode: 0x87 }]);
    await stays.mqtt.publishAsync('still', 'here', { qos: 1 });
    await stays.end();
  });

  test('disconnects clients without a user when those are no longer allowed', async () => {
    const passwordFile = passwords(aliceLine);
    const url = await start({ auth: { passwordFile, allowAnonymous: true } });
    const client = await TestClient.connect(url, own(nobody, 'nobody'));
    const told = new Promise((resolve) => client.mqtt.once('disconnect', resolve));
    broker?.reconfigure(parseConfig({ auth: { passwordFile, allowAnonymous: false } }));
    expect(await told).toMatchObject({ reasonCode: 0x87 });
  });
});

describe('rules that change while a session is away', () => {
  function rules(publish: string, subscribe: string): string {
    const path = join(folder, 'rules.yaml');
    writeFileSync(path, `rules:\n  - publish: ${publish}\n    subscribe: ${subscribe}\n`);
    return path;
  }

  test.each([
    ['in memory', undefined],
    ['stored', 'data-'],
  ])('%s: what waits is only sent if it may be sent now', async (_, prefix) => {
    const dataDir = join(folder, `${prefix}rules`);
    const storage =
      prefix === undefined
        ? { enabled: false }
        : { enabled: true, dataDir, walDir: join(dataDir, 'wal') };
    const url = await start({ storage, auth: { aclFile: rules('"#"', '[a, b]') } });
    const away: IClientOptions = { clientId: 'away', clean: false };
    // It acknowledges nothing, so that one message is under way and will be sent again.
    const first = await TestClient.connect(url, away);
    first.mqtt.handleMessage = () => {};
    await first.mqtt.subscribeAsync(['a', 'b'], { qos: 1 });
    const publisher = await TestClient.connect(url);
    await publisher.mqtt.publishAsync('a', 'under way', { qos: 1 });
    await first.messages(1);
    await first.crash();
    for (const topic of ['a', 'b']) await publisher.mqtt.publishAsync(topic, topic, { qos: 1 });
    broker?.reconfigure(parseConfig({ storage, auth: { aclFile: rules('"#"', 'b') } }));
    const second = await TestClient.connect(url, away);
    expect((await second.messages(1)).map(({ payload }) => payload)).toEqual(['b']);
    expect(broker?.stats.dropped['not-authorized']).toBe(2);
    await Promise.all([second.end(), publisher.end()]);
  });

  test.each([3, 4, 5] as const)(
    'what waits for a client that is connected, too: MQTT %i',
    (protocolVersion) => {
      const simulation = new Simulation({ mqtt: { maxInflight: 1 } });
      const { broker: simulated } = simulation;
      const client = simulation.connect('client', {
        protocolVersion,
        ...(protocolVersion === 5 ? { properties: { receiveMaximum: 1 } } : {}),
      });
      client.send({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: ['a', 'b'].map((topic) => ({ topic, qos: 1 as const })),
      });
      client.take();
      const publisher = simulation.connect('publisher');
      publisher.publish('b', 'sent', { qos: 1, messageId: 1 });
      for (const topic of ['a', 'b', 'a']) {
        publisher.publish(topic, 'waits', { qos: 1, messageId: 1 });
      }
      client.take();
      const { config } = simulated;
      const aclFile = rules('"#"', 'b');
      simulated.reconfigure(Access.load({ ...config, auth: { ...config.auth, aclFile } }));
      for (let packetId = 1; packetId <= 3; packetId++) {
        client.send({ cmd: 'puback', messageId: packetId } as Packet);
      }
      expect(client.brief()).toEqual(['publish b waits']);
      expect(simulated.stats.dropped['not-authorized']).toBe(2);
    },
  );

  test('a will that may no longer be published is not', async () => {
    const url = await start({ auth: { aclFile: rules('[a, b]', '"#"') } });
    const observer = await TestClient.connect(url);
    await observer.mqtt.subscribeAsync('#');
    const wills: TestClient[] = [];
    for (const topic of ['a', 'b']) {
      const will = { topic, payload: Buffer.from('gone'), qos: 0 as const, retain: false };
      wills.push(await TestClient.connect(url, { will }));
    }
    broker?.reconfigure(parseConfig({ auth: { aclFile: rules('b', '"#"') } }));
    for (const client of wills) await client.crash();
    expect((await observer.messages(1)).map(({ topic }) => topic)).toEqual(['b']);
    expect(broker?.stats.refused['not-authorized']).toBe(1);
    await observer.end();
  });
});
