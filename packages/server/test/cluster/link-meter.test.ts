import { expect, test } from '@jest/globals';
import { type Link, type LinkFigures, LinkSet } from '@promptmq/cluster';
import { LinkMeter } from '../../src/cluster/links/link-meter.ts';

/** A link to a process of a node, of which nothing but its figures is asked. */
function linkTo(node: string, owner: string | undefined, figures: Partial<LinkFigures>): Link {
  const peer = { node, incarnation: '1', cells: [], ...(owner === undefined ? {} : { owner }) };
  return {
    ...{ peer, isUp: true, send: () => {}, isBusy: () => false, close: () => {} },
    figures: { roundTripMs: 0, sentBytes: [0, 0], receivedBytes: [0, 0], ...figures },
  };
}

function sumsOf({ bytes }: LinkMeter) {
  return bytes.map(
    ({ node, lane, direction, bytes: sum }) => `${node} ${lane} ${direction} ${sum}`,
  );
}

test('bytes of links to one node are added up, and those of links that are over are not forgotten', () => {
  const links = new LinkSet();
  const meter = new LinkMeter(links, ({ owner }) => owner ?? 'own');
  expect([meter.bytes, meter.roundTrips]).toEqual([[], new Map()]);
  const over = linkTo('cell-0', 'two', { sentBytes: [1, 20], receivedBytes: [300, 4000] });
  links.add(over);
  links.add(linkTo('cell-1', 'two', { sentBytes: [5, 50], receivedBytes: [500, 5000] }));
  const sums = [
    'two relay sent 6',
    'two relay received 800',
    'two messages sent 70',
    'two messages received 9000',
  ];
  expect(sumsOf(meter)).toEqual(sums);
  links.remove(over, 'cut');
  expect(sumsOf(meter)).toEqual(sums);
  // What was counted is counted once.
  expect(sumsOf(meter)).toEqual(sums);
  links.add(linkTo('cell-2', undefined, { sentBytes: [0, 7] }));
  expect(sumsOf(meter)).toContain('own messages sent 7');
});

test('of the links to a node, the one that takes longest to answer counts', () => {
  const links = new LinkSet();
  const meter = new LinkMeter(links, ({ owner }) => owner ?? 'own');
  links.add(linkTo('cell-0', 'two', { roundTripMs: 4 }));
  links.add(linkTo('cell-1', 'two', { roundTripMs: 250 }));
  links.add(linkTo('cell-2', 'two', { roundTripMs: 8 }));
  expect(meter.roundTrips).toEqual(new Map([['two', 0.25]]));
});
