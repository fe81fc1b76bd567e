import { describe, expect, test } from '@jest/globals';
import { cellOf, SLOT_COUNT, slotOf } from '../../src/cells/slots.ts';

describe('the cell of a client', () => {
  test('is decided by the CRC-32 of its identifier: it may never change', () => {
    // The check value of this CRC is 0xcbf43926.
    expect(slotOf('123456789')).toBe(0xcbf43926 % 4096);
    expect(slotOf('')).toBe(0);
    expect(slotOf('Zürich')).toBe(slotOf(Buffer.from('Zürich')));
    expect(['a', 'b', 'sensor-1', 'Zürich'].map((name) => cellOf(name, 6))).toEqual(
      ['a', 'b', 'sensor-1', 'Zürich'].map((name) => slotOf(name) % 6),
    );
  });

  test.each([1, 2, 3, 6, 64])('%i cells get about the same number of clients', (cellCount) => {
    const clients = new Array<number>(cellCount).fill(0);
    for (let number = 0; number < 64_000; number++) {
      const cell = cellOf(`client-${number}`, cellCount);
      clients[cell] = (clients[cell] as number) + 1;
    }
    const fair = 64_000 / cellCount;
    for (const count of clients) expect(Math.abs(count - fair)).toBeLessThan(fair / 5);
    expect(SLOT_COUNT).toBe(4096);
  });
});
