import { expect, test } from '@jest/globals';
import { type Link, LinkSet } from '@promptmq/cluster';
import { ProcessFigures } from '../../src/cluster/links/process-figures.ts';
import type { CellPlace } from '../../src/cluster/worker-messages.ts';

function linkTo(cell: number, epoch: number): Link {
  return {
    peer: { node: `cell-${cell}`, incarnation: '1', cells: [{ cell, epoch }] },
    ...{ isUp: true, send: () => {}, isBusy: () => false, close: () => {} },
    figures: { roundTripMs: 0, sentBytes: [0, 0], receivedBytes: [0, 0] },
  };
}

function placeOf(cell: number, node: string | null, more: Partial<CellPlace> = {}): CellPlace {
  return {
    ...{ cell, epoch: 1, state: 'serving', address: '/link', node, isAwaited: true },
    ...{ isHere: false, clients: [] },
    ...more,
  };
}

test('links to a node are up when there is one to each of its cells, with its present epoch', () => {
  const links = new LinkSet();
  let places: CellPlace[] = [];
  const figures = new ProcessFigures({ cell: 0, links, front: { relayed: 3 } }, 'one', {
    refusedLinks: () => 2,
    places: () => places,
    filterCounts: () => [[1, 5]],
  });
  expect([figures.relayed, figures.refused, figures.filterCounts]).toEqual([3, 2, [[1, 5]]]);
  // Its own cell, and those that nobody has, are not waited for.
  places = [placeOf(0, 'one'), placeOf(1, null), placeOf(2, 'two', { state: 'away' })];
  expect(figures.up).toEqual(new Map());
  places = [placeOf(0, 'one'), placeOf(1, 'two'), placeOf(2, 'two', { state: 'opening' })];
  links.add(linkTo(1, 1));
  expect(figures.up).toEqual(new Map([['two', false]]));
  links.add(linkTo(2, 1));
  expect(figures.up).toEqual(new Map([['two', true]]));
  // A link to who had the cell before is none.
  places = [placeOf(1, 'two'), placeOf(2, 'two', { epoch: 2 })];
  expect(figures.up).toEqual(new Map([['two', false]]));
});
