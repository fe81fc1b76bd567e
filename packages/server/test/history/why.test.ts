import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parseEmbeddedConfig } from '../../src/embed/create-broker.ts';
import type { WhyCode } from '../../src/index.ts';
import type { PacketClient } from '../support/packet-client.ts';
import { closeAll, client as mqttClient, testBroker } from '../support/test-broker-client.ts';
import { ENDING, PlantedBroker } from './planted-broker.ts';

let planted: PlantedBroker;

beforeAll(async () => {
  planted = await PlantedBroker.start();
});

afterAll(() => planted.stop());

/** A cause that is planted. */
interface Plant {
  readonly code: WhyCode;
  readonly text: RegExp;
  /** Of whom is asked; `code` by default. */
  readonly client?: string;
  /** What is asked about; `CODE/1` by default. */
  readonly topic?: string;
  /** What there is before; then it isn't the cause. */
  before(p: PlantedBroker): Promise<unknown>;
  plant(p: PlantedBroker, client: PacketClient): Promise<unknown>;
}

const willOf = (topic: string, willDelayInterval: number) => ({
  will: {
    topic,
    payload: Buffer.from('gone'),
    qos: 0 as const,
    retain: false,
    properties: { willDelayInterval },
  },
});

const PLANTS: readonly Plant[] = [
  {
    code: 'not-subscribed',
    text: /No subscription of "not-subscribed" matches .* "Not-Subscribed\/\+" would match but for the case/,
    async before() {},
    plant: (p) => p.subscriber('not-subscribed', 'Not-Subscribed/+'),
  },
  {
    code: 'unsubscribed',
    text: /had no subscription that matches .*: the client had unsubscribed at \d\d:\d\d:\d\d/,
    before: (p) => p.subscriber('unsubscribed', 'unsubscribed/#'),
    async plant(_p, client) {
      client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['unsubscribed/#'] });
      await client.next();
    },
  },
  {
    code: 'taken-over',
    text: /the subscription had ended at \d\d:\d\d:\d\d by takeover from 127\.0\.0\.1:\d+/,
    before: (p) => p.subscriber('taken-over', 'taken-over/#', 1, ENDING),
    plant: (p) => p.client('taken-over', { ...ENDING, clean: false }),
  },
  {
    code: 'clean-start',
    text: /the subscription had ended at \d\d:\d\d:\d\d by a clean start from 127\.0\.0\.1:\d+/,
    before: (p) => p.subscriber('clean-start', 'clean-start/#'),
    plant: (p) => p.client('clean-start', { clean: true }),
  },
  {
    code: 'disconnected',
    text: /the connection had ended at \d\d:\d\d:\d\d \(closed by peer\), and session and subscription with it/,
    before: (p) => p.subscriber('disconnected', 'disconnected/#', 1, ENDING),
    plant: (p, client) => p.cut(client),
  },
  {
    code: 'session-ended',
    text: /the session was ended at \d\d:\d\d:\d\d \(administrative action\)/,
    before: (p) => p.subscriber('session-ended', 'session-ended/#'),
    plant: (p) => p.broker.clients.disconnect('session-ended', { dropSession: true }),
  },
  {
    code: 'subscribe-denied',
    client: 'shut',
    topic: 'hidden/1',
    text: /its SUBSCRIBE of "hidden\/\+" was refused at .*: denied by .*acl\.yaml.*/,
    before: (p) => p.client('shut'),
    async plant(_p, client) {
      client.subscribe('hidden/+', 1, 1);
      await client.next();
    },
  },
  {
    code: 'subscription-revoked',
    client: 'revoked',
    topic: 'revoked/1',
    text: /the subscription was taken away at .*: the rules no longer allow it/,
    before: (p) => p.subscriber('revoked', 'revoked/#'),
    plant: async (p) => p.revoke(parseEmbeddedConfig),
  },
  {
    code: 'receive-denied',
    client: 'blind',
    topic: 'secret/1',
    text: /"blind" may not have messages of this topic: denied by .*acl\.yaml.*That was one message/,
    before: (p) => p.client('blind'),
    async plant(p, client) {
      client.subscribe('#', 1, 1);
      await client.next();
      await p.publish('secret/1');
    },
  },
  {
    code: 'publish-denied',
    topic: 'denied/1',
    text: /Nobody got it: "mute" may not publish to this topic: denied by .*acl\.yaml.* \(at \d\d/,
    before: (p) => p.subscriber('publish-denied', 'denied/#'),
    async plant(p) {
      const mute = await p.client('mute');
      mute.publish('denied/1', 'x', 1, 1);
      await mute.next();
    },
  },
  {
    code: 'queue-full',
    text: /its queue was full \(2 messages\)\. Those were 3 messages/,
    async before(p) {
      const client = await p.subscriber('queue-full', 'queue-full/#');
      await p.cut(client);
      await p.publish('queue-full/1');
      await p.publish('queue-full/1');
    },
    async plant(p) {
      for (let count = 0; count < 3; count++) await p.publish('queue-full/1');
    },
  },
  {
    code: 'packet-too-large',
    text: /larger than the client takes \(Maximum Packet Size\)/,
    before: (p) =>
      p.subscriber('packet-too-large', 'packet-too-large/#', 1, {
        properties: { maximumPacketSize: 100, sessionExpiryInterval: 1000 },
      }),
    plant: (p) => p.publish('packet-too-large/1', 1, 'x'.repeat(200)),
  },
  {
    code: 'no-local',
    text: /it published the message itself, and has subscribed with No Local/,
    async before(p) {
      const client = await p.client('no-local');
      const subscriptions = [
        { topic: 'no-local/#', qos: 1 as const, nl: true, rap: false, rh: 0 as const },
      ];
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions });
      await client.next();
      return client;
    },
    async plant(_p, client) {
      client.publish('no-local/1', 'x', 1, 1);
      await client.next();
    },
  },
  {
    code: 'not-connected',
    text: /the client was not connected, and nothing is kept for it at QoS 0/,
    async before(p) {
      await p.cut(await p.subscriber('not-connected', 'not-connected/#', 0));
    },
    plant: (p) => p.publish('not-connected/1', 0),
  },
  {
    code: 'refused-by-hook',
    topic: 'hooked/1',
    text: /a hook of the program did not let it have the message/,
    before: (p) => p.subscriber('refused-by-hook', 'hooked/#'),
    plant: (p) => p.publish('hooked/1'),
  },
  {
    code: 'slow-subscriber',
    text: /the client read too slowly, and more waited for it than may at QoS 0/,
    async before(p) {
      await p.deafSubscriber('slow-subscriber', 'slow-subscriber/#');
    },
    async plant(p) {
      const payload = 'x'.repeat(100_000);
      for (let count = 0; count < 200; count++) await p.publish('slow-subscriber/1', 0, payload);
    },
  },
  {
    code: 'publish-refused',
    text: /Nobody got it: it was refused from "liar": the payload is not UTF-8, as it says/,
    before: (p) => p.subscriber('publish-refused', 'publish-refused/#'),
    async plant(p) {
      const liar = await p.client('liar');
      const properties = { payloadFormatIndicator: 1 as const };
      liar.publish('publish-refused/1', '', 1, 1, { payload: Buffer.from([0xff]), properties });
      await liar.next();
    },
  },
  {
    code: 'subscribe-refused',
    text: /its SUBSCRIBE of "subscribe-refused\/#" was refused at .*: no room for the subscription/,
    before: (p) => p.subscriber('subscribe-refused', 'other/1'),
    async plant(_p, client) {
      for (let count = 2; count < 6; count++) client.subscribe(`other/${count}`, count, 1);
      client.subscribe('subscribe-refused/#', 6, 1);
      await client.sentSoFar();
    },
  },
  {
    code: 'connect-refused',
    client: 'stranger',
    text: /"stranger" was not connected: its CONNECT was refused at .*: nobody knows it/,
    topic: 'stranger/1',
    async before() {},
    plant: (p) => p.client('stranger'),
  },
  {
    code: 'shared',
    text: /Another member of the shared subscription "\$share\/g\/shared\/#" got it, if not "shared".*"other"/,
    before: (p) => p.subscriber('shared', '$share/g/shared/#'),
    plant: (p) => p.subscriber('other', '$share/g/shared/#'),
  },
  {
    code: 'will-discarded',
    text: /the will of "leaver" was discarded at .*, as it disconnected in order/,
    before: (p) => p.subscriber('will-discarded', 'will-discarded/#'),
    async plant(p) {
      await p.leave(await p.client('leaver', willOf('will-discarded/1', 0)));
    },
  },
  {
    code: 'will-cancelled',
    text: /"returner" came back at .*, before its Will Delay Interval was over/,
    before: (p) => p.subscriber('will-cancelled', 'will-cancelled/#'),
    async plant(p) {
      await p.cut(await p.client('returner', willOf('will-cancelled/1', 100)));
      await p.client('returner');
    },
  },
  {
    code: 'waiting',
    text: /1 message waits for "waiting".*1 message that it was sent is not acknowledged/,
    before: (p) =>
      p.subscriber('waiting', 'waiting/#', 1, {
        properties: { receiveMaximum: 1, sessionExpiryInterval: 1000 },
      }),
    async plant(p, client) {
      await p.publish('waiting/1');
      await client.next();
      await p.publish('waiting/1');
    },
  },
  {
    code: 'retain-handling',
    text: /it asked for none \(Retain Handling 2\)/,
    async before(p) {
      await p.broker.publish({ topic: 'retain-handling/1', payload: 'x', retain: true });
      await p.client('retain-handling');
    },
    async plant(p) {
      const client = await p.client('retain-handling');
      const subscriptions = [
        { topic: 'retain-handling/#', qos: 1 as const, nl: false, rap: false, rh: 2 as const },
      ];
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions });
      await client.next();
    },
  },
];

test.each(PLANTS)('$code is named once it was planted, and not before', async (one) => {
  const { code, client: clientId = code, topic = `${code}/1`, text } = one;
  const client = await one.before(planted);
  const earlier = await planted.ask(clientId, topic);
  expect(earlier.cause.code).not.toBe(code);
  await one.plant(planted, client as PacketClient);
  const { cause } = await planted.ask(clientId, topic);
  expect(cause).toMatchObject({ code, text: expect.stringMatching(text) });
});

test('nobody knows a client that never came, and is asked whether it is spelt right', async () => {
  const { cause, also } = await planted.ask('nobody', 'a/b');
  expect(cause).toMatchObject({ code: 'unknown-client', evidence: [] });
  expect(cause.text).toMatch(/"nobody" is not known.*Is the client identifier right\?/);
  expect(also).toEqual([]);
});

test('where nothing went wrong it is said since when, and what is not known', async () => {
  await planted.subscriber('fine', 'fine/#');
  await planted.publish('fine/1');
  const { cause, also } = await planted.ask('fine', 'fine/1');
  expect(cause).toMatchObject({
    code: 'subscribed-later',
    text: expect.stringMatching(/"fine" had no subscription that matches before \d\d:\d\d:\d\d/),
  });
  expect(also).toMatchObject([
    {
      code: 'sent',
      text: expect.stringMatching(
        /Nothing is known that kept it from "fine": it had subscribed by/,
      ),
      evidence: [{ type: 'connect' }, { type: 'subscribe' }],
    },
  ]);
});

test('beside a loss that is known, only others are not', async () => {
  await planted.cut(await planted.subscriber('away', 'away/#', 1));
  await planted.publish('away/1', 0);
  const { cause, also } = await planted.ask('away', 'away/1');
  expect(cause.code).toBe('not-connected');
  expect(also.find(({ code }) => code === 'sent')?.text).toMatch(
    /^Nothing else is known .* no other loss of "away\/1" is recorded\. What was published while it was connected has been sent/,
  );
});

describe('with a clock that the test sets', () => {
  afterEach(closeAll);

  const persistent = { clean: false, properties: { sessionExpiryInterval: 100 } };

  test.each([
    ['expired', { messageExpiryInterval: 10 }, '20s', /the message expired while it waited/],
    [
      'session-expired',
      {},
      '200s',
      /was not connected, and what waited for it \(1 message\) was given up: the session had expired at/,
    ],
    ['sent-later', {}, '20s', /was kept, and has been sent since it came back at/],
  ] as const)(
    '%s: of a message that waited, asked for the time at which it came',
    async (code, properties, away, text) => {
      const t = await testBroker({ clock: 'fake' });
      const away1 = await mqttClient(t, 'x', persistent);
      await away1.subscribeAsync('a/#', { qos: 1 });
      const gone = new Promise((resolve) => t.broker.once('disconnect', resolve));
      away1.stream.destroy();
      await gone;
      await t.clock.advance('60s');
      const publisher = await mqttClient(t, 'p');
      const at = t.clock.now().toISOString();
      await publisher.publishAsync('a/1', 'x', { qos: 1, properties });
      const question = { clientId: 'x', topic: 'a/1', at };
      expect(t.broker.explainDelivery(question).cause.code).toBe('waiting');
      await t.clock.advance(away);
      await mqttClient(t, 'x', persistent);
      await t.settle();
      await t.clock.advance('60s');
      expect(t.broker.explainDelivery(question).cause).toMatchObject({
        code,
        text: expect.stringMatching(text),
      });
    },
  );

  test('an earlier time has another answer than now', async () => {
    const t = await testBroker({ clock: 'fake' });
    const client = await mqttClient(t, 'x', persistent);
    const start = t.clock.now().getTime();
    const codeAt = (seconds: number) =>
      t.broker.explainDelivery({ clientId: 'x', topic: 'a/1', at: start + seconds * 1000 }).cause
        .code;
    await t.clock.advance('30s');
    await client.subscribeAsync('a/#', { qos: 1 });
    await t.clock.advance('30s');
    await client.unsubscribeAsync('a/#');
    await t.clock.advance('30s');
    await client.subscribeAsync('a/+', { qos: 1 });
    await t.clock.advance('60s');
    expect([10, 45, 75, 120].map(codeAt)).toEqual([
      'subscribed-later',
      'sent',
      'unsubscribed',
      'sent',
    ]);
    expect(codeAt(-100)).toBe('not-recorded');
    const { unknown } = t.broker.explainDelivery({ clientId: 'x', topic: 'a/1', since: '20s' });
    expect(unknown).toEqual(['whether anything was published to a/1: deliveries are not recorded']);
  });
});
