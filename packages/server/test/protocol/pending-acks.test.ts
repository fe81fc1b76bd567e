import { expect, test } from '@jest/globals';
import { PacketType } from '@promptmq/codec';
import { PendingAcks } from '../../src/protocol/pending-acks.ts';

const { PUBACK, PUBREC } = PacketType;

/** What is taken, as packet identifiers. */
function takeIds(acks: PendingAcks, position: number): number[] {
  const ids: number[] = [];
  acks.take(position, (_type, packetId) => ids.push(packetId));
  return ids;
}

test('each is taken once, in order, though some wait at all times', () => {
  const acks = new PendingAcks();
  const expected: number[] = [];
  const taken: number[] = [];
  for (let position = 0; position < 20_000; position++) {
    const packetId = (position % 65_535) + 1;
    acks.add(position, PUBACK, packetId, 0);
    expected.push(packetId);
    // Between 1 and 1,500 wait, now more and now less.
    if (position % 100 > 0) continue;
    taken.push(...takeIds(acks, position - ((position * 7) % 1500)));
    expect(acks.pubackCount).toBe(expected.length - taken.length);
  }
  taken.push(...takeIds(acks, 20_000));
  expect(taken).toEqual(expected);
  expect(acks.isEmpty).toBe(true);
});

test('those that are refused are sent with another reason code, or not at all', () => {
  const acks = new PendingAcks();
  acks.add(10, PUBACK, 1, 0);
  acks.add(20, PUBACK, 2, 0);
  acks.add(21, PUBREC, 3, 0);
  acks.refuse(20, (type) => (type === PUBACK ? 0x97 : -1));
  const sent: (readonly number[])[] = [];
  acks.take(20, (type, packetId, reasonCode) => sent.push([type, packetId, reasonCode]));
  expect(sent).toEqual([
    [PUBACK, 1, 0],
    [PUBACK, 2, 0x97],
  ]);
});
