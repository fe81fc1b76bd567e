import { expect, test } from '@jest/globals';
import { type Link, LinkSet } from '@promptmq/cluster';
import { MemoryLink } from '@promptmq/cluster/testing';

const TYPE = 200;

function linked(links: LinkSet, node: string, cells: number[]): Link {
  const other = new LinkSet();
  new MemoryLink(
    { end: { node: 'self', incarnation: '1', cells: [] }, links },
    {
      end: { node, incarnation: '1', cells: cells.map((cell) => ({ cell, epoch: 1 })) },
      links: other,
    },
    { later: (callback) => void setImmediate(callback) },
  );
  return links.of(node) as Link;
}

test('who uses a part of the links hears of no others', async () => {
  const links = new LinkSet();
  const part = links.part(({ cells }) => cells.length > 0);
  const heard: string[] = [];
  part.follow({
    onUp: ({ peer }) => heard.push(`up ${peer.node}`),
    onDown: ({ peer }, why) => heard.push(`down ${peer.node}: ${why}`),
  });
  part.handle([TYPE], ({ peer }) => heard.push(`frame of ${peer.node}`));
  const cell = linked(links, 'cell-1', [1]);
  const front = linked(links, 'front-one', []);
  expect(links.all).toEqual([cell, front]);
  expect(part.all).toEqual([cell]);
  expect(part.of('front-one')).toBeNull();
  links.frame(cell, TYPE, new Uint8Array(0));
  front.close('over');
  cell.close('over');
  expect(heard).toEqual(['up cell-1', 'frame of cell-1', 'down cell-1: over']);
  expect(part.all).toEqual([]);
  // One handler of a type for all links.
  expect(() => links.handle([TYPE], () => {})).toThrow('a handler already');
});
