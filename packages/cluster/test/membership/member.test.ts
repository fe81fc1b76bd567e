import { describe, expect, test } from '@jest/globals';
import { MembershipWorld, type WorldOptions } from '../support/membership-model.ts';

async function settled(options: Partial<WorldOptions> = {}): Promise<MembershipWorld> {
  const world = new MembershipWorld({ seed: 1, ...options });
  await world.until('each serves as many', () => isBalanced(world), 60_000);
  return world;
}

function isBalanced(world: MembershipWorld): boolean {
  const loads = world.loads();
  const isServed = world.owners().every((owner) => owner !== null);
  return isServed && Math.max(...loads) - Math.min(...loads) <= 1;
}

describe('a member of a cluster', () => {
  test('the first node makes the cluster, and cells are spread over all that are there', async () => {
    const world = await settled();
    expect(world.loads()).toEqual([2, 2, 2]);
  });

  test('the cells of a node that is killed are served by the others', async () => {
    const world = await settled();
    world.node(1).kill();
    await world.until('all are served', () => isBalanced(world), 4_000);
    expect(world.loads()).toEqual([3, 3]);
  });
});
