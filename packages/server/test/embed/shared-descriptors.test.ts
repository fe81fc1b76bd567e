import { expect, test } from '@jest/globals';
import { SharedDescriptors } from '../../src/embed/shared-descriptors.ts';
import { OpenSockets } from '../../src/listeners/open-sockets.ts';

test('what the sockets of one broker take, those of the others can not have', () => {
  const shared = new SharedDescriptors((brokerCount) => 100 - 10 * brokerCount);
  const sockets = [1, 2, 3].map(() => new OpenSockets(() => Number.POSITIVE_INFINITY));
  const shares = sockets.map((one) => shared.join(one));
  const maxima = () => shares.map(({ max }) => max());
  expect(maxima()).toEqual([70, 70, 70]);

  const [first, second] = sockets as [OpenSockets, OpenSockets];
  for (let count = 0; count < 60; count++) first.take();
  second.take();
  expect(maxima()).toEqual([69, 10, 9]);
  first.release();
  expect(maxima()).toEqual([69, 11, 10]);

  shares[0]?.leave();
  expect(maxima().slice(1)).toEqual([80, 79]);
});
