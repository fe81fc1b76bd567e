import { CaseList } from '../case.ts';
import { BAD_FILTER, check, WRONG } from '../check.ts';
import { bytes } from '../wire/bytes.ts';
import { publish, subscribe, unsubscribe } from '../wire/client-packets.ts';

/** Topic filters: which may be, and what they match (§4.7). */
const list = new CaseList();
export const topicFilterCases = list.cases;

list.v5(
  'wildcards stand alone in their level, and # at the end',
  'MQTT-4.7.1-1 MQTT-4.7.1-2 MQTT-4.7.3-1',
  async (context) => {
    for (const filter of ['', 'a#', 'a/#/b', '#/', '##', 'a+', '+a/b', 'a/b+']) {
      const client = await context.connect();
      client.send(subscribe([[filter, 0]]));
      const answer = await client.next();
      if (answer?.type === 'suback') {
        check((answer.reasonCodes[0] as number) >= 0x80, `${filter} was accepted`);
      } else if (answer !== null) {
        check(answer.type === 'disconnect' && BAD_FILTER.includes(answer.reasonCode), filter);
      }
    }
  },
);

list.v5(
  'filters match as the standard says',
  'MQTT-4.7.1-1 MQTT-4.7.1-2 MQTT-4.7.3-4 MQTT-3.3.2-3',
  async (context) => {
    const root = context.topic();
    for (const [filter, topic, isMatch] of [
      ['a/#', 'a', true],
      ['a/#', 'a/b/c', true],
      ['a/#', 'ab', false],
      ['+', 'a', true],
      ['+', 'a/b', false],
      ['a/+', 'a/', true],
      ['a/+', 'a', false],
      ['+/b', '/b', true],
      ['a//b', 'a//b', true],
      ['a/+/b', 'a//b', true],
      ['A', 'a', false],
      ['a', 'a/', false],
    ] as const) {
      const client = await context.connect();
      client.send(subscribe([[`${root}/${filter}`, 0]]));
      await client.expect('suback');
      client.send(publish(`${root}/${topic}`, 'x'));
      const received = await client.drain();
      check(received.length === (isMatch ? 1 : 0), `${filter} and ${topic}`);
    }
  },
);

list.v5(
  'a wildcard at the start does not match topics that start with $',
  'MQTT-4.7.2-1',
  async (context) => {
    const client = await context.connect();
    client.send(
      subscribe([
        ['+/#', 0x20],
        ['#', 0x20],
      ]),
    );
    await client.expect('suback');
    client.send(publish(`$${context.topic()}/x`, 'hidden'));
    const found = (await client.drain()).filter(({ topic }) => topic.startsWith('$'));
    check(found.length === 0, 'no $ topic');
  },
);

list.v5(
  'each filter matches what the standard’s examples say',
  'MQTT-4.7.1-1 MQTT-4.7.1-2 §4.7.1 §4.7.3',
  async (context) => {
    const root = context.topic();
    const yes = [
      ['sport/tennis/player1/#', 'sport/tennis/player1'],
      ['sport/tennis/player1/#', 'sport/tennis/player1/ranking'],
      ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon'],
      ['sport/#', 'sport'],
      ['#', 'a//b'],
      ['sport/tennis/+', 'sport/tennis/player1'],
      ['sport/+', 'sport/'],
      ['+/tennis/#', 'sport/tennis/x'],
      ['+/+', '/finance'],
      ['/+', '/finance'],
      ['a/+/b', 'a//b'],
      ['+', ''],
      ['a//b', 'a//b'],
      ['/', '/'],
      ['Accounts payable', 'Accounts payable'],
    ] as const;
    const no = [
      ['sport/tennis/+', 'sport/tennis/player1/ranking'],
      ['sport/+', 'sport'],
      ['+', '/finance'],
      ['a/b', 'A/b'],
      ['sport', 'sport/'],
      ['sport/', 'sport'],
      ['a/b', 'a//b'],
      ['/', ''],
      ['é', 'e\u0301'],
    ] as const;
    const sender = await context.connect();
    for (const [pairs, isMatch] of [
      [yes, true],
      [no, false],
    ] as const) {
      for (const [filter, topic] of pairs) {
        const client = await context.subscriber(`${root}/${filter}`);
        await context.deliver(sender, `${root}/${topic}`, 'x', { qos: 1 });
        check(((await client.drain()).length === 1) === isMatch, `${filter} and ${topic}`);
        client.destroy();
      }
    }
  },
);

list.v5(
  'a filter may start with $ and then matches such topics',
  'MQTT-4.7.2-1',
  async (context) => {
    const name = `$${context.topic()}`;
    const sender = await context.connect();
    for (const [filter, isMatch] of [
      [`${name}/#`, true],
      [`${name}/+/x`, true],
      [`${name}/a/x`, true],
      ['+/a/x', false],
      ['#', false],
    ] as const) {
      const client = await context.subscriber(filter);
      await context.deliver(sender, `${name}/a/x`, '', { qos: 1 });
      const found = (await client.drain()).filter(({ topic }) => topic.startsWith('$'));
      check((found.length === 1) === isMatch, filter);
      client.destroy();
    }
  },
);

list.v5(
  'filters that can’t be are refused',
  'MQTT-4.7.1-1 MQTT-4.7.1-2 MQTT-4.7.3-1 MQTT-4.7.3-2 MQTT-3.8.3-1',
  async (context) => {
    for (const filter of ['', 'a#', 'a/#/b', '#/', '##', 'a+', '+a', 'a/+b', 'a/b+/c', '++']) {
      await context.refusedFilter(filter);
    }
    for (const filter of [bytes(0xff), bytes(0x61, 0), bytes(0xed, 0xa0, 0x80)]) {
      await context.refused(subscribe([[filter, 0]]), [...WRONG, 0x8f]);
      await context.refused(unsubscribe([filter]), [...WRONG, 0x8f]);
    }
  },
);
