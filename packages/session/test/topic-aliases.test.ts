import { expect, test } from '@jest/globals';
import { InboundTopicAliases, OutboundTopicAliases } from '../src/index.ts';

test('an inbound alias is valid from 1 to the announced maximum [MQTT-3.3.2-12]', () => {
  const aliases = new InboundTopicAliases<string>(3);
  expect([0, 1, 3, 4].map((alias) => aliases.isValid(alias))).toEqual([false, true, true, false]);
});

test('an inbound alias stands for the topic that was set last (§3.3.2.3.4)', () => {
  const aliases = new InboundTopicAliases<string>(1);
  expect(aliases.get(1)).toBeUndefined();
  aliases.set(1, 'a');
  aliases.set(1, 'b');
  expect(aliases.get(1)).toBe('b');
});

test('outbound aliases never exceed the maximum of the peer [MQTT-3.3.2-11]', () => {
  const aliases = new OutboundTopicAliases(2);
  for (const topic of ['a', 'b', 'c']) {
    const alias = aliases.nextFor('t');
    if (alias !== 0) aliases.assign(topic, alias);
  }
  expect(['a', 'b', 'c'].map((topic) => aliases.get(topic))).toEqual([1, 2, 0]);
});
