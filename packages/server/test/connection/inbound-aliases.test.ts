import { expect, test } from '@jest/globals';
import { PacketError, ReasonCode } from '@promptmq/codec';
import { MemoryAccount } from '@promptmq/session';
import { InboundAliases } from '../../src/connection/inbound-aliases.ts';

const topic = (text: string) => Buffer.from(text);

test('what counts are the topics that have an alias, each as long as it has one', () => {
  const memory = new MemoryAccount({ clientMax: 100, max: 100 });
  const aliases = new InboundAliases(memory, 10);
  aliases.set(1, topic('sensor'));
  aliases.set(2, topic('a'));
  expect(memory.bytes).toBe(7);
  aliases.set(1, topic('b'));
  expect(memory.bytes).toBe(2);
  expect(aliases.get(1)).toEqual(topic('b'));
  aliases.forget();
  expect(memory.bytes).toBe(0);
});

test('an alias for which there is no room is refused with 0x97, and the one before stays', () => {
  const memory = new MemoryAccount({ clientMax: 8, max: 8 });
  const aliases = new InboundAliases(memory, 10);
  const other = new InboundAliases(memory, 10);
  aliases.set(1, topic('sensor'));
  let thrown: unknown = null;
  try {
    other.set(1, topic('lamp'));
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(PacketError);
  expect((thrown as PacketError).reasonCode).toBe(ReasonCode.QuotaExceeded);
  expect(memory.refusals).toBe(1);
  expect(other.get(1)).toBeUndefined();
  expect(aliases.get(1)).toEqual(topic('sensor'));
  aliases.forget();
  other.set(1, topic('lamp'));
  expect(memory.bytes).toBe(4);
});
