import { describe, expect, test } from '@jest/globals';
import { cellKey, nodeKey } from '../../src/map/records.ts';
import {
  cancelDrain,
  forgetCell,
  forgetNode,
  readCluster,
  requestDrain,
  requestMove,
} from '../../src/map/requests.ts';
import { Member } from '../../src/membership/member.ts';
import type { MembershipError } from '../../src/membership/member-options.ts';
import { failoverTimes } from '../support/failover-times.ts';
import { MembershipWorld, type ModelNode, type WorldOptions } from '../support/membership-model.ts';

async function settled(options: Partial<WorldOptions> = {}): Promise<MembershipWorld> {
  const world = new MembershipWorld({ seed: 1, ...options });
  await world.until('each serves as many', () => isBalanced(world), 60_000);
  return world;
}

function isBalanced(world: MembershipWorld): boolean {
  const loads = world.loads();
  return isServed(world) && Math.max(...loads) - Math.min(...loads) <= 1;
}

function isServed(world: MembershipWorld): boolean {
  return world.owners().every((owner) => owner !== null);
}

function epochs(world: MembershipWorld): number[] {
  return Array.from({ length: world.cells }, (_, cell) => world.record(cell)?.epoch ?? 0);
}

/** Lets time pass until something is done. */
async function during<T>(world: MembershipWorld, doing: Promise<T>): Promise<T> {
  let isDone = false;
  doing.then(
    () => {
      isDone = true;
    },
    () => {
      isDone = true;
    },
  );
  await world.until('it is done', () => isDone, 120_000);
  return doing;
}

function eventsOf(node: ModelNode, kind: string): readonly object[] {
  return node.events.filter((event) => event.kind === kind);
}

describe('a member of a cluster', () => {
  test('the first node makes the cluster, and cells are spread over all that are there', async () => {
    const world = await settled();
    expect(world.loads()).toEqual([2, 2, 2]);
    const cluster = await during(world, readCluster(world.servers.client().map, world.clock));
    expect(cluster?.meta.cells).toBe(6);
    expect([...(cluster?.nodes.keys() ?? [])].sort()).toEqual(['node-0', 'node-1', 'node-2']);
    expect(cluster?.cells.map(({ state }) => state)).toEqual(Array(6).fill('serving'));
  });

  test('knows where everything is', async () => {
    const world = await settled();
    await world.run(1_000);
    const { directory } = world.node(0).member;
    expect(directory.cells.map(({ node }) => node)).toEqual(world.owners());
    expect(directory.cells.map(({ address }) => address?.port)).toEqual([
      ...[7000, 7001, 7002, 7003, 7004, 7005],
    ]);
    expect(directory.nodes.map(({ id, isEligible }) => [id, isEligible])).toEqual([
      ...['node-0', 'node-1', 'node-2'].map((id) => [id, true]),
    ]);
    expect(directory.nodes[0]?.address?.port).toBe(7006);
    expect(world.node(0).directory).toEqual(directory);
  });

  test('is refused with another number of cells, and as a node that may not take part', async () => {
    const world = await settled();
    const refusalOf = (options: object) => {
      const member = new Member(world.node(0), {
        map: world.servers.client().map,
        clock: world.clock,
        ...{ node: 'late', incarnation: 'x', cells: 6 },
        facts: { address: 'a:1', clients: [], version: '1', level: 1, fingerprint: null },
        ...options,
      });
      const joining = member.join().then(
        () => null,
        (error: MembershipError) => error,
      );
      return during(world, joining);
    };
    const codeOf = async (options: object) => (await refusalOf(options))?.code;
    const textOf = async (options: object) => (await refusalOf(options))?.message;
    expect(await codeOf({ cells: 5 })).toBe('cells');
    expect(await textOf({ cells: 5 })).toContain(
      'with 6 cells, as have node-0 (1.0.0), node-1 (1.0.0)',
    );
    expect(await codeOf({ peers: ['node-0'] })).toBe('node');
    expect(await codeOf({ node: 'two words' })).toBe('node');
  });

  test('does not act on a record of a later version', async () => {
    const world = await settled();
    const { map } = world.servers;
    const owner = world.nodes.get(world.owners()[0] as string);
    const puts = owner?.modelEngine.puts.get(cellKey(0));
    const later = Buffer.from(JSON.stringify({ format: 2 }));
    map.set(cellKey(0), later, map.get(cellKey(0))?.revision ?? 0);
    await world.run(10_000);
    expect(owner?.serving.has(0)).toBe(true);
    // Also when there would be something to do.
    owner?.crashCell(0);
    await world.run(10_000);
    expect(map.get(cellKey(0))?.value).toEqual(later);
    expect(owner?.serving.has(0)).toBe(false);
    expect(owner?.modelEngine.puts.get(cellKey(0))).toBe(puts);
    expect(eventsOf(owner as ModelNode, 'record-unreadable').length).toBe(1);
  });
});

describe('when a node is lost', () => {
  test('the cells of one that is killed are served by the others', async () => {
    const world = await settled();
    const before = epochs(world);
    const lost = world.node(1);
    const cells = [...lost.serving.keys()];
    lost.kill();
    await world.until('all are served', () => isServed(world), 4_000);
    expect(world.loads()).toEqual([3, 3]);
    expect(epochs(world)).toEqual(
      before.map((epoch, cell) => epoch + (cells.includes(cell) ? 1 : 0)),
    );
  });

  test('soon, where the others find that nobody listens there, at whatever moment it was killed', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      for (const ms of await failoverTimes('killed', seed)) expect(ms).toBeLessThan(2_000);
    }
  });

  test('one at whose address only one of the others finds nobody is not', async () => {
    const world = await settled();
    world.node(0).wrongly.add('node-1');
    world.node(1).process.pause();
    await world.run(2_900);
    world.node(1).process.resume();
    await world.run(5_000);
    expect(world.counts.late).toBe(0);
    // Two of them are most.
    world.node(2).wrongly.add('node-1');
    world.node(1).process.pause();
    await world.until('it is late', () => world.counts.late > 0, 2_900);
  });

  test('one that starts again before it is late has its cells again', async () => {
    const world = await settled({ hasLinks: false });
    const owners = world.owners();
    world.node(1).kill();
    await world.run(500);
    world.start('node-1');
    await world.until('all are served', () => isServed(world), 2_000);
    expect(world.owners()).toEqual(owners);
  });

  test('one that is paused loses its cells, and ends them when it goes on', async () => {
    const world = await settled();
    const paused = world.node(2);
    paused.process.pause();
    await world.until('others serve all', () => !world.owners().includes('node-2'), 10_000);
    expect(paused.serving.size).toBe(2);
    paused.process.resume();
    await world.until('it has none', () => paused.serving.size === 0, 2_000);
    await world.until('each serves as many', () => isBalanced(world), 60_000);
    expect(world.loads()).toEqual([2, 2, 2]);
  });

  test('one that is cut off is fenced in time, and takes part again', async () => {
    const world = await settled();
    const cut = world.node(0);
    cut.engine.isCut = true;
    await world.until('others serve all', () => !world.owners().includes('node-0'), 12_000);
    await world.until('it holds', () => cut.state === 'hold', 5_000);
    await world.until('it is a minority', () => cut.why === 'minority', 16_000);
    await world.until('it is fenced', () => cut.state === 'fenced', 16_000);
    expect(cut.serving.size).toBe(0);
    cut.engine.isCut = false;
    await world.until('it is active', () => cut.state === 'active', 3_000);
    await world.until('each serves as many', () => isBalanced(world), 60_000);
  });

  test('nobody is late when all are paused', async () => {
    const world = await settled();
    const before = epochs(world);
    for (const node of world.running) node.process.pause();
    await world.run(60_000);
    for (const node of world.running) node.process.resume();
    await world.run(5_000);
    expect(world.counts.late).toBe(0);
    expect(epochs(world)).toEqual(before);
  });

  test('nobody is late to a node whose watch is behind', async () => {
    const world = await settled();
    world.node(0).modelEngine.fallBehind();
    await world.run(20_000);
    expect(world.node(0).state).toBe('active');
    expect(world.counts.late).toBe(0);
    world.node(0).modelEngine.catchUp();
    await world.run(5_000);
    expect(world.counts.late).toBe(0);
  });

  test('a name is that of whoever started last', async () => {
    const world = await settled();
    const first = world.node(1);
    const second = world.start('node-1');
    await world.until('it is fenced', () => first.why === 'superseded', 5_000);
    expect(first.serving.size).toBe(0);
    await world.until('all are served', () => isServed(world), 10_000);
    expect(second.state).toBe('active');
  });
});

describe('when the engine is away', () => {
  test('nobody is late for an election, and nothing moves', async () => {
    const world = await settled();
    const before = epochs(world);
    world.servers.elect(9_000);
    await world.run(20_000);
    expect(world.counts.late).toBe(0);
    expect(epochs(world)).toEqual(before);
    expect(world.running.map(({ state }) => state)).toEqual(['active', 'active', 'active']);
  });

  test('for all for long, all hold, and go on when it is back', async () => {
    const world = await settled();
    const before = epochs(world);
    world.servers.elect(120_000);
    await world.run(100_000);
    expect(world.running.map(({ state, why }) => `${state} ${why}`)).toEqual(
      Array(3).fill('hold engine'),
    );
    expect(world.running.map(({ serving }) => serving.size)).toEqual([2, 2, 2]);
    await world.run(30_000);
    expect(world.running.map(({ state }) => state)).toEqual(Array(3).fill('active'));
    expect(epochs(world)).toEqual(before);
    expect(world.counts.fenced).toBe(0);
  });
});

describe('when links are broken', () => {
  test('whoever lacks most gives its cells away, and has some again when it reaches all', async () => {
    const world = await settled();
    world.cutLink('node-2', 'node-0');
    world.cutLink('node-2', 'node-1');
    await world.run(9_000);
    expect(world.node(2).serving.size).toBe(2);
    await world.until('it has none', () => world.node(2).serving.size === 0, 10_000);
    await world.until('all are served', () => isServed(world), 5_000);
    expect(world.loads()).toEqual([3, 3, 0]);
    world.cutLinks.clear();
    await world.until('each serves as many', () => isBalanced(world), 60_000);
  });

  test('for a short time, nothing moves', async () => {
    const world = await settled();
    const before = epochs(world);
    world.cutLink('node-2', 'node-0');
    await world.run(8_000);
    world.cutLinks.clear();
    await world.run(10_000);
    expect(epochs(world)).toEqual(before);
  });
});

describe('when a cell ends', () => {
  test('it is served again by the same node', async () => {
    const world = await settled();
    const owners = world.owners();
    const node = world.nodes.get(owners[3] as string) as ModelNode;
    node.crashCell(3);
    await world.until('it is served', () => world.owners()[3] !== null, 1_500);
    expect(world.owners()).toEqual(owners);
  });

  test('and can not be opened there, another node has it', async () => {
    const world = await settled();
    const node = world.nodes.get(world.owners()[3] as string) as ModelNode;
    node.isBroken = true;
    node.crashCell(3);
    await world.until('it is served', () => world.owners()[3] !== null, 15_000);
    expect(world.owners()[3]).not.toBe(node.name);
    // It isn't given back where it can't be prepared, and stays served meanwhile.
    await world.run(30_000);
    expect(world.owners()[3]).not.toBe(node.name);
    expect(world.counts.cancelled).toBeLessThan(4);
    expect(isServed(world)).toBe(true);
  });
});

describe('what operators ask for', () => {
  test('a cell moves to the node that they say, with hardly a gap', async () => {
    const world = await settled({ restoreMs: 20_000 });
    const { map } = world.servers.client();
    const cell = 2;
    const from = world.owners()[cell];
    const to = world.running.find(({ name }) => name !== from)?.name as string;
    expect(await during(world, requestMove(map, world.clock, cell, to))).toEqual({ kind: 'done' });
    await world.until('it is given away', () => world.owners()[cell] === null, 25_000);
    await world.until('it has moved', () => world.owners()[cell] === to, 300);
    const again = await during(world, requestMove(map, world.clock, cell, to));
    expect(again).toMatchObject({ kind: 'refused' });
    expect(await during(world, requestMove(map, world.clock, cell, 'nobody'))).toMatchObject({
      kind: 'refused',
    });
    expect(await during(world, requestMove(map, world.clock, 99, to))).toMatchObject({
      kind: 'refused',
    });
  });

  test('a node that is drained has no cells until that is over, or it starts again', async () => {
    const world = await settled();
    const { map } = world.servers.client();
    expect(await during(world, requestDrain(map, world.clock, 'node-1'))).toEqual({ kind: 'done' });
    await world.until('it has none', () => world.node(1).serving.size === 0, 10_000);
    await world.until('all are served', () => isServed(world), 5_000);
    expect(world.loads()).toEqual([3, 0, 3]);
    await during(world, cancelDrain(map, world.clock, 'node-1'));
    await world.until('each serves as many', () => isBalanced(world), 60_000);

    await during(world, requestDrain(map, world.clock, 'node-1'));
    await world.until('it has none', () => world.node(1).serving.size === 0, 10_000);
    world.node(1).kill();
    await world.run(5_000);
    world.start('node-1');
    await world.until('each serves as many', () => isBalanced(world), 60_000);
    expect(world.servers.map.get('drain.node-1')).toBeNull();
  });

  test('nodes that are drained serve the cells of one that is lost when there is no other', async () => {
    const world = await settled();
    const { map } = world.servers.client();
    await during(world, requestDrain(map, world.clock, 'node-0'));
    await during(world, requestDrain(map, world.clock, 'node-2'));
    await world.until('one has all', () => world.node(1).serving.size === 6, 20_000);
    world.node(1).kill();
    await world.until('all are served', () => isServed(world), 10_000);
    expect(world.loads()).toEqual([3, 3]);
    world.start('node-1');
    await world.until('it has all again', () => world.node(1).serving.size === 6, 30_000);
  });

  test('the last node can not be drained', async () => {
    const world = await settled({ nodes: 1 });
    const { map } = world.servers.client();
    expect(await during(world, requestDrain(map, world.clock, 'node-0'))).toMatchObject({
      kind: 'refused',
    });
  });

  test('a node that runs is not forgotten, one that is gone is', async () => {
    const world = await settled();
    const { map } = world.servers.client();
    expect(await during(world, forgetNode(map, world.clock, 'node-1'))).toMatchObject({
      kind: 'refused',
    });
    world.node(1).kill();
    expect(await during(world, forgetNode(map, world.clock, 'node-1'))).toEqual({ kind: 'done' });
    expect(world.servers.map.get(nodeKey('node-1'))).toBeNull();
    await world.run(1_000);
    expect(world.node(0).directory?.nodes.map(({ id }) => id)).toEqual(['node-0', 'node-2']);
  });

  test('a cell that no node can open is not waited for, until one can', async () => {
    const world = new MembershipWorld({ seed: 1, nodes: 2, cells: 2 });
    for (const node of world.running) node.isBroken = true;
    await world.run(40_000);
    const { map } = world.servers.client();
    expect(await during(world, forgetCell(map, world.clock, 1))).toEqual({ kind: 'done' });
    await world.run(1_000);
    expect(world.node(0).directory?.cells[1]?.isForgotten).toBe(true);
    for (const node of world.running) node.isBroken = false;
    await world.until('all are served', () => isServed(world), 60_000);
    await world.run(1_000);
    expect(world.node(0).directory?.cells[1]?.isForgotten).toBe(false);
    expect(await during(world, forgetCell(map, world.clock, 1))).toMatchObject({ kind: 'refused' });
  });

  test('requests are refused where there is no cluster', async () => {
    const world = new MembershipWorld({ seed: 1, nodes: 0 });
    const { map } = world.servers.client();
    expect(await during(world, readCluster(map, world.clock))).toBeNull();
    for (const request of [
      requestMove(map, world.clock, 0, 'one'),
      requestDrain(map, world.clock, 'one'),
      forgetNode(map, world.clock, 'one'),
      forgetCell(map, world.clock, 0),
    ]) {
      expect(await during(world, request)).toMatchObject({ kind: 'refused' });
    }
  });
});

describe('a node that leaves', () => {
  test('has given all its cells away, one after the other, and its record is gone', async () => {
    const world = await settled();
    await during(world, world.node(0).leave());
    expect(world.servers.map.get(nodeKey('node-0'))).toBeNull();
    await world.until('all are served', () => isServed(world), 3_000);
    expect(world.loads()).toEqual([3, 3]);
    expect(world.counts.late).toBe(0);
  });

  test('frees them when it is the last', async () => {
    const world = await settled({ nodes: 1 });
    await during(world, world.node(0).leave());
    expect(world.record(0)).toMatchObject({ state: 'free', node: null, epoch: 1 });
  });

  test('all leave at once, and all have their cells again when they start', async () => {
    const world = await settled();
    await during(world, Promise.all(world.running.map((node) => node.leave())));
    expect(world.running).toEqual([]);
    for (const name of ['node-0', 'node-1', 'node-2']) world.start(name);
    await world.until('each serves as many', () => isBalanced(world), 30_000);
  });

  test('has left where it never joined', async () => {
    const world = new MembershipWorld({ seed: 1, nodes: 1 });
    await world.node(0).leave();
    await world.run(1_000);
    expect(world.servers.map.get(nodeKey('node-0'))).toBeNull();
  });
});
