import { expect, test } from '@jest/globals';
import { decodeWitnesses, encodeWitnesses, type Witness } from '../../src/index.ts';

const WITNESS: Witness = { cell: 5, epoch: 1, sequence: 2, position: 3, chain: 4, node: 'one' };

test('what a node has said of cells is read again, and nothing of a cell that is not there', () => {
  const body = encodeWitnesses([{ ...WITNESS, cell: 0 }, WITNESS]);
  expect(decodeWitnesses(body, 6)).toEqual([{ ...WITNESS, cell: 0 }, WITNESS]);
  expect(() => decodeWitnesses(body, 5)).toThrow('a WITNESS of cell 5, and there are 5 cells');
  for (const cell of [-1, 0.5, 2 ** 53, '0', null]) {
    const wrong = Buffer.from(JSON.stringify([{ ...WITNESS, cell }]));
    expect(() => decodeWitnesses(wrong, 6)).toThrow('a WITNESS that is none');
  }
});
