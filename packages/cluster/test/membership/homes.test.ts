import { describe, expect, test } from '@jest/globals';
import { LogNotedOtherwise, noteCellLog, readCellLog } from '../../src/map/cell-log.ts';
import { homesOf } from '../../src/map/homes.ts';
import { nodeKey } from '../../src/map/records.ts';
import { forgetNode, readCluster, requestDrain, requestMove } from '../../src/map/requests.ts';
import { Member } from '../../src/membership/member.ts';
import type { MembershipError } from '../../src/membership/member-options.ts';
import { MembershipWorld } from '../support/membership-model.ts';

const IDENTITY = '0123456789abcdef'.repeat(2);
const HOMES = ['node-0', 'node-1', 'node-2', 'node-0', 'node-1', 'node-2'];

async function settled(seed = 1): Promise<MembershipWorld> {
  const world = new MembershipWorld({ seed, isBound: true });
  await world.until('all are served', () => isServed(world), 10_000);
  return world;
}

function isServed(world: MembershipWorld): boolean {
  return world.owners().every((owner) => owner !== null);
}

async function during<T>(world: MembershipWorld, doing: Promise<T>): Promise<T> {
  let isDone = false;
  const done = () => {
    isDone = true;
  };
  doing.then(done, done);
  await world.until('it is done', () => isDone, 120_000);
  return doing;
}

describe('where each cell stays at its home', () => {
  test('cells are shared by the names of the nodes, in whichever order these are given', () => {
    expect(homesOf(['b', 'a', 'c', 'a'], 5)).toEqual(['a', 'b', 'c', 'a', 'b']);
    expect(homesOf(['b', 'a'], 1)).toEqual(['a']);
  });

  test('each node serves its own, which is noted once', async () => {
    const world = await settled();
    expect(world.owners()).toEqual(HOMES);
    const cluster = await during(world, readCluster(world.servers.client().map, world.clock));
    expect(cluster?.meta).toMatchObject({ durability: 'node', homes: HOMES });
  });

  test('nobody else serves the cells of a node that is lost, and it has them again when it is back', async () => {
    const world = await settled();
    world.node(1).kill();
    await world.run(60_000);
    expect(world.owners()).toEqual(HOMES.map((home) => (home === 'node-1' ? null : home)));
    const { directory } = world.node(0);
    expect(directory?.cells.map(({ isAway }) => isAway)).toEqual([
      ...[false, true, false, false, true, false],
    ]);
    world.start('node-1');
    await world.until('all are served', () => isServed(world), 10_000);
    expect(world.owners()).toEqual(HOMES);
    await world.until(
      'all know it',
      () => world.running.every(({ directory: known }) => known?.cells.every((c) => !c.isAway)),
      2_000,
    );
    expect(world.counts.moves).toBe(0);
  });

  test('one that leaves frees its cells, which wait for it', async () => {
    const world = await settled();
    await during(world, world.node(2).leave());
    await world.run(30_000);
    expect(world.owners()).toEqual(HOMES.map((home) => (home === 'node-2' ? null : home)));
    expect(world.record(2)).toMatchObject({ state: 'free', node: null });
    world.start('node-2');
    await world.until('all are served', () => isServed(world), 10_000);
  });

  test('one that does not reach the others keeps its cells', async () => {
    const world = await settled();
    world.cutLink('node-0', 'node-1');
    world.cutLink('node-0', 'node-2');
    await world.run(60_000);
    expect(world.counts.apart).toBe(1);
    expect(world.owners()).toEqual(HOMES);
  });

  test('one whose cell can not be opened goes on trying, and nobody else does', async () => {
    const world = new MembershipWorld({ seed: 1, isBound: true });
    world.node(0).isBroken = true;
    await world.run(120_000);
    expect(world.owners()).toEqual(HOMES.map((home) => (home === 'node-0' ? null : home)));
    // Once in 30 s in the end.
    expect(world.record(0)?.epoch).toBeLessThan(15);
    world.node(0).isBroken = false;
    await world.until('all are served', () => isServed(world), 35_000);
  });

  test('a cell whose log its home has lost is away though the home is there', async () => {
    const world = await settled();
    const { map } = world.servers.client();
    const note = (state: 'kept' | 'lost', revision: number) =>
      during(
        world,
        noteCellLog(map, world.clock, 3, { identity: IDENTITY, node: 'node-0', state }, revision),
      );
    const isAway = () => world.node(1).directory?.cells[3]?.isAway;
    const revision = await note('lost', 0);
    await world.until('it is known', () => isAway() === true, 2_000);
    expect((await during(world, readCellLog(map, 3)))?.record.state).toBe('lost');
    const cluster = await during(world, readCluster(map, world.clock));
    expect([...(cluster?.logs ?? [])]).toEqual([
      [3, { identity: IDENTITY, node: 'node-0', state: 'lost' }],
    ]);
    await note('kept', revision);
    await world.until('it is known', () => isAway() === false, 2_000);
    await expect(note('lost', revision)).rejects.toThrow(LogNotedOtherwise);
  });

  test('nothing is moved or drained, and no home is forgotten', async () => {
    const world = await settled();
    const { map } = world.servers.client();
    const whyOf = async (asked: Promise<unknown>) =>
      ((await during(world, asked)) as { why?: string }).why;
    expect(await whyOf(requestMove(map, world.clock, 1, 'node-0'))).toBe(
      'cell 1 stays at node node-1, whose disk alone has its log',
    );
    expect(await whyOf(requestDrain(map, world.clock, 'node-1'))).toContain('no other node');
    world.node(1).kill();
    await world.run(10_000);
    const why = await whyOf(forgetNode(map, world.clock, 'node-1'));
    expect(why).toContain('the home of cells 1, 4: the sessions, queued messages and retained');
    expect(why).toContain('cluster.on-node-loss: reset');
    expect(world.servers.map.get(nodeKey('node-1'))).not.toBeNull();
  });

  test('a node that is configured otherwise is refused, and so is one that is told of no others', async () => {
    const world = await settled();
    const refusalOf = (more: object) => {
      const member = new Member(world.node(0), {
        map: world.servers.client().map,
        clock: world.clock,
        ...{ node: 'node-1', incarnation: 'x', cells: 6 },
        facts: { address: 'a:1', clients: [], version: '1', level: 1, fingerprint: null },
        ...more,
      });
      const joining = member.join().then(
        () => null,
        (error: MembershipError) => error,
      );
      return during(world, joining);
    };
    const refused = await refusalOf({});
    expect(refused?.code).toBe('durability');
    expect(refused?.message).toContain('with durability node, as have node-0 (1.0.0)');
    expect((await refusalOf({ durability: 'node' }))?.code).toBe('durability');
    const replicated = new MembershipWorld({ seed: 1 });
    await replicated.run(5_000);
    const other = new Member(replicated.node(0), {
      map: replicated.servers.client().map,
      clock: replicated.clock,
      ...{ node: 'node-1', incarnation: 'x', cells: 6, durability: 'node', peers: ['node-1'] },
      facts: { address: 'a:1', clients: [], version: '1', level: 1, fingerprint: null },
    });
    const why = other.join().then(
      () => null,
      (error: MembershipError) => error.code,
    );
    expect(await during(replicated, why)).toBe('durability');
  });
});
