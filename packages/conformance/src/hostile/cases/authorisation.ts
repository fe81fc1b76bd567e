import { check } from '../../check.ts';
import { RawClient } from '../../client/raw-client.ts';
import { bytes } from '../../wire/bytes.ts';
import { ack, connect, disconnect, publish } from '../../wire/client-packets.ts';
import { property } from '../../wire/property.ts';
import { texts } from '../../wire/server-packet.ts';
import { BOTH, HostileList } from '../case.ts';
import { AT_ONCE_MS, type HostileContext } from '../context.ts';

/** What a user may not do, tried in all the ways there are. */
const list = new HostileList('authorisation');
export const authorisationCases = list.cases;

const USERS = { needs: 'users', versions: BOTH } as const;

list.add(
  'PUBLISH to a topic that is closed to the user, at each QoS, retained or not',
  { ...USERS, answer: 'nobody gets it; MQTT 5: 0x87 at QoS 1 and 2' },
  async (context) => {
    const topic = context.closedTopic();
    const watcher = await context.listener(topic, 2);
    const { version } = context;
    for (const retain of [false, true]) {
      for (const qos of [0, 1, 2]) {
        const client = await context.other();
        client.send(publish(topic, 'x', { version, qos, retain }));
        const received = await context.servedOrClosed(client);
        const answer = received.find(({ type }) => type === 'puback' || type === 'pubrec');
        if (version === 5 && answer !== undefined) {
          check(answer.reasonCode >= 0x80, `${answer.type} with success`);
        }
        if (answer?.type === 'pubrec') client.send(ack('pubrel', 1));
      }
    }
    await watcher.expectNothing();
    await nothingRetained(context, topic);
  },
);

/** Nobody who may read the topic finds a retained message there. */
async function nothingRetained(context: HostileContext, topic: string): Promise<void> {
  const reader = await context.listener(topic);
  await reader.expectNothing();
}

list.add(
  'SUBSCRIBE to what is closed to the user: itself, with wildcards, shared, in a list',
  { ...USERS, answer: 'refused, or nothing closed comes of it', seen: ['mochi-mqtt#46'] },
  async (context) => {
    const topic = context.closedTopic('/a');
    const keeper = await context.client();
    const { version } = context;
    await context.deliver(keeper, topic, 'kept', { version, qos: 1, retain: true });
    const { closed, open } = context.broker;
    const filters = [
      ...[topic, context.closedTopic('/+'), context.closedTopic('/#'), `${closed}/#`, '#', '+/#'],
      ...[
        '+/+/+',
        `${closed}/+/a`,
        `$share/g/${topic}`,
        `$share/g/#`,
        `$share/${open}/${closed}/#`,
      ],
    ];
    const watchers = await Promise.all(
      filters.map(async (filter) => {
        const client = await context.other();
        client.send(context.subscribe(filter));
        await client.next();
        return client;
      }),
    );
    await context.deliver(keeper, topic, 'x', { version, qos: 1 });
    for (const [index, watcher] of watchers.entries()) {
      const received = texts(await context.servedOrClosed(watcher));
      check(received === '', `${filters[index]}: ${received}`);
    }
    await context.deliver(keeper, topic, '', { version, qos: 1, retain: true });
  },
);

list.add(
  'a topic alias for a topic that is closed, and one that changes from open to closed',
  { answer: 'nobody gets it', needs: 'users' },
  async (context) => {
    const closed = context.closedTopic();
    const watcher = await context.listener(closed);
    const alias = property.topicAlias(1);
    const first = await context.other();
    first.send(publish(closed, 'x', { properties: alias, qos: 1 }));
    await context.servedOrClosed(first);
    if (!first.isClosed) {
      first.send(publish('', 'x', { properties: alias }));
      await context.servedOrClosed(first);
    }
    const second = await context.other();
    second.send(
      publish(context.openTopic(), 'x', { properties: alias }),
      publish(closed, 'x', { properties: alias }),
      publish('', 'x', { properties: alias }),
      publish('', 'x', { properties: alias, qos: 1, id: 9 }),
    );
    await context.servedOrClosed(second);
    await watcher.expectNothing();
  },
);

list.add(
  'a will to a topic that is closed, sent by a cut, by DISCONNECT 0x04 and by a takeover',
  { ...USERS, answer: 'refused, or nobody gets it', seen: ['emqx#8978', 'emqx-auth-http#92'] },
  async (context) => {
    const topic = context.closedTopic('will');
    const watcher = await context.listener(topic);
    const { version } = context;
    const will = { topic, payload: 'w', qos: 1, retain: true };
    const clientId = context.clientId('will');
    for (const how of ['cut', 'disconnect', 'takeover']) {
      const client = await context.openOther();
      client.send(context.otherConnect({ will, clientId }));
      const answer = await client.next();
      if (answer === null || answer.reasonCode !== 0) continue;
      if (how === 'cut') client.destroy();
      if (how === 'disconnect') client.send(version === 5 ? disconnect(4) : bytes(0xff));
      if (how === 'takeover') await context.other({ clientId });
    }
    const open = await context.other({ clientId });
    await context.serves(open);
    await watcher.expectNothing();
    await nothingRetained(context, topic);
  },
);

list.add(
  'other spellings of a topic that is closed',
  { ...USERS, answer: 'nobody who has subscribed to it gets them' },
  async (context) => {
    const topic = context.closedTopic();
    const watcher = await context.listener(topic);
    const { closed } = context.broker;
    const rest = context.topic();
    const overlong = Uint8Array.from(
      [...Buffer.from(closed)].flatMap((c) => [0xc1, 0x80 | (c & 0x3f)]),
    );
    const spellings = [
      ...[
        `/${topic}`,
        `${topic}/`,
        ` ${topic}`,
        `${topic} `,
        topic.toUpperCase(),
        `\ufeff${topic}`,
      ],
      ...[
        `${closed}//${rest}`,
        `./${topic}`,
        `${context.broker.open}/../${topic}`,
        `$share/g/${topic}`,
      ],
      ...[
        `${topic}\0`,
        `${closed}\u2215${rest}`,
        topic.replace('e', '\u0435'),
        `%73${topic.slice(1)}`,
      ],
      ...[bytes(overlong, '/', rest), bytes(topic, 0xc0, 0x80)],
    ];
    for (const spelling of spellings) {
      const client = await context.other();
      client.send(publish(spelling, 'x', { version: context.version, qos: 1 }));
      await context.servedOrClosed(client);
    }
    await watcher.expectNothing();
  },
);

list.add(
  'client identifiers and user names that are wildcards, where rules have them as a level',
  { ...USERS, answer: 'no rule becomes wider by them', seen: ['CVE-2017-7650'] },
  async (context) => {
    const victim = `own/victim${context.name}/data`;
    const keeper = await context.client();
    const watchers = [];
    for (const clientId of ['#', '+', '+/+', 'a/#', '%c', '%u', `${'/'.repeat(3)}`]) {
      const client = await context.openOther();
      client.send(context.otherConnect({ clientId }));
      const answer = await client.next();
      if (answer === null || answer.reasonCode !== 0) continue;
      client.send(context.subscribe(`own/${clientId}/data`), context.subscribe('own/#', 0, 2));
      await context.servedOrClosed(client);
      watchers.push([clientId, client] as const);
    }
    await context.deliver(keeper, victim, 'x', { version: context.version, qos: 1 });
    for (const [clientId, client] of watchers) {
      const received = texts(await context.servedOrClosed(client));
      check(received === '', `the client ${clientId} got ${received}`);
    }
  },
);

list.add(
  "another user's session, by its client identifier, with a message that waits in it",
  {
    ...USERS,
    answer: 'refused or a new session; the message stays where it is',
    seen: ['moquette#689'],
  },
  async (context) => {
    const { version } = context;
    const topic = context.closedTopic('private');
    const clientId = context.clientId('session');
    const durable = context.durable({ clientId, ...(version === 5 ? {} : { version }) });
    const owner = await context.client(durable);
    owner.send(context.subscribe(topic, 1));
    await owner.expect('suback');
    owner.send(disconnect());
    await owner.expectClosed();
    const sender = await context.client();
    await context.deliver(sender, topic, 'secret', { version, qos: 1 });
    for (const clean of [false, true]) {
      const thief = await context.openOther();
      thief.send(context.otherConnect({ ...durable, clean }));
      const answer = await thief.next();
      if (answer === null || answer.reasonCode !== 0) continue;
      check(!answer.sessionPresent, 'the session is given to another user');
      check(texts(await context.servedOrClosed(thief)) === '', 'the message is given away');
      thief.destroy();
    }
    const back = await context.open(version);
    back.send(context.connectOf({ ...durable, version }));
    const { sessionPresent } = await back.expect('connack', { reasonCode: 0 });
    check(sessionPresent, 'the session of its owner was ended by another user');
    check(texts(await back.drain()) === 'secret', 'the message is gone');
    back.send(ack('puback', 1));
    const last = await context.client({ clientId, clean: true });
    await context.serves(last);
  },
);

list.add(
  "the client identifier of another user's open connection",
  { ...USERS, answer: 'the connection stays' },
  async (context) => {
    const clientId = context.clientId('live');
    const owner = await context.client({ clientId });
    const thief = await context.openOther();
    thief.send(context.otherConnect({ clientId }));
    await thief.next();
    await context.serves(owner);
  },
);

list.add(
  'nobody, an unknown user, a wrong, an empty and no password, and names that are nearly right',
  {
    // Once: some brokers have a user wait after a few wrong passwords.
    needs: 'users',
    answer: 'refused, and an unknown user is answered as a wrong password is',
  },
  async (context) => {
    const { version, otherUser } = context;
    const { username } = otherUser;
    const password = otherUser.password ?? '';
    const answers = await Promise.all(
      [
        [`nobody${context.name}`, password],
        [username, `${password}x`],
        [username, ''],
        [username, password.slice(0, -1)],
        [`${username} `, password],
        [username.toUpperCase(), password],
        [`${username}\n`, password],
        [`${username}:`, password],
        ['', password],
      ].map(async ([name = '', secret = '']) => {
        const client = await context.open(version);
        const options = { version, clientId: context.clientId(), username: name, password: secret };
        client.sendBare(connect(options));
        const answer = await client.next(30_000);
        check(answer === null || answer.reasonCode !== 0, `"${name}" is let in`);
        return answer?.reasonCode ?? null;
      }),
    );
    check(answers[0] === answers[1], `unknown ${answers[0]}, wrong password ${answers[1]}`);
    const client = await context.open(version);
    client.sendBare(connect({ version, clientId: context.clientId(), username }));
    const answer = await client.next(30_000);
    check(answer === null || answer.reasonCode !== 0, 'let in without a password');
    const nobody = await context.open(version);
    nobody.sendBare(connect({ version, clientId: context.clientId() }));
    const refused = await nobody.next(30_000);
    check(refused === null || refused.reasonCode !== 0, 'nobody is let in');
  },
);

list.add(
  'what comes behind a CONNECT with a wrong password',
  { ...USERS, answer: 'is not processed' },
  async (context) => {
    const topic = context.openTopic();
    const watcher = await context.listener(topic);
    const { version, otherUser } = context;
    const client = await context.open(version);
    client.sendBare(
      connect({ version, clientId: 'c', username: otherUser.username, password: 'wrong' }),
      publish(topic, 'x', { version }),
      context.subscribe(topic),
    );
    await client.expectClosed();
    await watcher.expectNothing();
  },
);

list.add(
  'a clean start with a wrong password, and with none',
  { ...USERS, answer: 'the session that is there stays' },
  async (context) => {
    const { version } = context;
    const clientId = context.clientId('kept');
    const durable = context.durable({ clientId, ...(version === 5 ? {} : { version }) });
    const owner = await context.client(durable);
    owner.send(disconnect());
    await owner.expectClosed();
    for (const user of [{}, { username: context.otherUser.username, password: 'wrong' }]) {
      const client = await context.open(version);
      client.sendBare(connect({ version, clientId, clean: true, ...user }));
      const answer = await client.next(30_000);
      check(answer === null || answer.reasonCode !== 0, 'let in');
    }
    const back = await context.open(version);
    back.send(context.connectOf({ ...durable, version }));
    const { sessionPresent } = await back.expect('connack', { reasonCode: 0 });
    check(sessionPresent, 'the session is gone');
    await context.client({ clientId, clean: true });
  },
);

list.add(
  'a response topic that is closed to the user',
  { answer: 'passed on as it is: whoever answers is asked for his own rights', needs: 'users' },
  async (context) => {
    const watcher = await context.listener(context.openTopic());
    const client = await context.other();
    const properties = property.responseTopic(context.closedTopic());
    client.send(publish(context.openTopic(), 'x', { properties }));
    await context.servedOrClosed(client);
    if (!client.isClosed) await watcher.expect('publish');
  },
);

list.add(
  'commands to the broker on its control topic, by a user who may not give any',
  { ...USERS, answer: 'nothing comes of them' },
  async (context) => {
    const { version } = context;
    const eve = `eve${context.name}`;
    const commands = JSON.stringify({
      commands: [
        { command: 'createClient', username: eve, password: 'x' },
        { command: 'createRole', rolename: 'all', acls: [] },
        { command: 'setDefaultACLAccess', acls: [{ acltype: 'publishClientSend', allow: true }] },
        { command: 'listClients' },
      ],
    });
    const client = await context.other();
    client.send(context.subscribe('$CONTROL/#'), context.subscribe('$CONTROL/+/v1/response', 0, 2));
    for (const topic of ['$CONTROL/dynamic-security/v1', '$CONTROL', '$CONTROL//v1']) {
      client.send(publish(topic, commands, { version, qos: 1, id: 9 }));
    }
    const received = await context.servedOrClosed(client);
    check(texts(received) === '', `answered: ${texts(received)}`);
    const guest = await context.open(version);
    guest.sendBare(connect({ version, clientId: eve, username: eve, password: 'x' }));
    const answer = await guest.next(30_000);
    check(answer === null || answer.reasonCode !== 0, 'the user was made');
    const again = await context.other();
    const watcher = await context.listener(context.closedTopic());
    again.send(publish(context.closedTopic(), 'x', { version, qos: 1 }));
    await context.servedOrClosed(again);
    await watcher.expectNothing();
  },
);

list.add(
  'a will with a delay to a topic that is closed, of a session that ends before',
  { answer: 'refused, or nobody gets it', needs: 'users', seen: ['emqx#8978'] },
  async (context) => {
    const topic = context.closedTopic('delayed');
    const watcher = await context.listener(topic);
    const client = await context.openOther();
    const will = { topic, payload: 'w', properties: property.willDelay(1) };
    client.send(context.otherConnect({ will, properties: property.sessionExpiry(100) }));
    const answer = await client.next();
    client.send(disconnect(4, property.sessionExpiry(0)));
    if (answer?.reasonCode === 0) await client.next();
    await watcher.expectNothing();
  },
);

list.add(
  'topics of the broker and of programs inside it, by a user who has no rule for them',
  { ...USERS, answer: 'refused, or nobody gets it' },
  async (context) => {
    for (const topic of [`$SYS/${context.name}`, `$share/g/${context.name}`, `$${context.name}`]) {
      const watcher = await context.client();
      watcher.send(context.subscribe(topic));
      if (((await watcher.next())?.reasonCodes[0] ?? 0x80) >= 0x80) continue;
      const client = await context.other();
      client.send(publish(topic, 'x', { version: context.version, qos: 1, retain: true }));
      await context.servedOrClosed(client);
      await watcher.expectNothing();
    }
  },
);

// The last one: a broker may have that user wait afterwards.
list.add(
  '40 wrong passwords at once',
  { answer: 'refused; a right one meanwhile is let in', needs: 'users' },
  async (context) => {
    const { username } = context.otherUser;
    const guesses = Array.from({ length: 40 }, async (_, index) => {
      const client = await RawClient.open({ ...context.broker, credentials: null }, 5);
      client.send(connect({ clientId: context.clientId(), username, password: `guess${index}` }));
      const answer = await client.next(30_000);
      check(answer === null || answer.reasonCode !== 0, 'a guess is let in');
      client.destroy();
    });
    const client = await context.open();
    client.send(context.connectOf());
    const answer = await client.next(AT_ONCE_MS);
    check(answer?.reasonCode === 0, `the right one: ${answer?.reasonCode}`);
    await Promise.all(guesses);
  },
);
