import { requestMove } from '../../src/map/requests.ts';
import { MembershipWorld, type ModelNode } from './membership-model.ts';

/** How a node is lost, or gives a cell away. */
export const FAILOVERS = ['killed', 'killed, links unknown', 'paused', 'cut off', 'moved'] as const;
export type Failover = (typeof FAILOVERS)[number];

/**
 * How long it takes until another node serves the cells of one of three that is lost at any moment, in simulated time: of one that is killed, the
 * links of the others say that nobody listens there. Restoring a cell takes up to 200 ms, and the engine up to 3 ms each way.
 *
 * @returns for each cell that the node had: milliseconds in which nobody served it
 */
export async function failoverTimes(how: Failover, seed: number): Promise<readonly number[]> {
  const world = new MembershipWorld({ seed, hasLinks: how !== 'killed, links unknown' });
  const isServed = () => world.owners().every((owner) => owner !== null);
  const isSpread = () => isServed() && world.loads().every((load) => load === 2);
  await world.until('each serves as many', isSpread, 60_000);
  await world.run(world.random.next() * 3_000);
  const lost = world.node(1);
  const cells = [...lost.serving.keys()];
  if (how === 'moved') return [await moveTime(world, lost, cells[0] as number)];
  const lostAt = world.now;
  if (how === 'paused') lost.process.pause();
  else if (how === 'cut off') lost.engine.isCut = true;
  else lost.kill();
  const times: number[] = [];
  for (const cell of cells) {
    const isElsewhere = () => ![null, lost.name].includes(world.owners()[cell] as string | null);
    await world.until(`cell ${cell} is served`, isElsewhere, 20_000);
    times.push((world.servedAt[cell] as number) - lostAt);
  }
  return times;
}

async function moveTime(world: MembershipWorld, from: ModelNode, cell: number): Promise<number> {
  const { map } = world.servers.client();
  void requestMove(map, world.clock, cell, 'node-2');
  await world.until('it has begun to move', () => !from.serving.has(cell), 10_000);
  const endedAt = world.now;
  await world.until('it has moved', () => world.owners()[cell] === 'node-2', 10_000);
  return (world.servedAt[cell] as number) - endedAt;
}
