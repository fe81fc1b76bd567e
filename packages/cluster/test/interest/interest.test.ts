import { describe, expect, test } from '@jest/globals';
import { Random } from '@promptmq/wal/testing';
import { Cluster, type QoS } from './interest-world.ts';

const FILTERS = [
  'a',
  'a/b',
  'a/+',
  'a/#',
  '#',
  'c/+/d',
  '$share/g/a',
  '$share/g/a/+',
  '$share/h/#',
];

/** A cluster whose processes have heard of each other. */
function linkedOf(cellCount: number): Cluster {
  const cluster = new Cluster(cellCount);
  cluster.linkAll();
  cluster.world.runAll();
  return cluster;
}

describe('what cells say of what their clients have subscribed to', () => {
  test('a subscription is acknowledged when all others route to it, not before', () => {
    const { world, at } = bind(linkedOf(3));
    at(0).subscribe('a/+', 1);
    expect(at(0).announcer.isRouted('a/+')).toBe(false);
    while (at(1).qosTo(0, 'a/+') < 1 || at(2).qosTo(0, 'a/+') < 1) {
      expect(at(0).promised.size).toBe(0);
      world.step();
    }
    world.runAll();
    expect([...at(0).promised]).toEqual([['a/+', 1]]);
    expect(at(0).announcer.isRouted('a/+')).toBe(true);
    at(0).unsubscribe('a/+');
    world.runAll();
    expect([at(1).qosTo(0, 'a/+'), at(1).table.filterCountOf(0)]).toEqual([-1, 0]);
  });

  test('where there are no others, it is acknowledged at the end of the turn', () => {
    const { world, at } = bind(new Cluster(1));
    at(0).subscribe('a', 0);
    world.runAll();
    expect(at(0).promised.has('a')).toBe(true);
  });

  test('a higher QoS is waited for, and neither a lower one nor another subscription of the same', () => {
    const { world, at } = bind(linkedOf(2));
    const { announcer } = at(0);
    announcer.add({ topicFilter: 'a', qos: 1 });
    world.runAll();
    announcer.add({ topicFilter: 'a', qos: 0 });
    announcer.add({ topicFilter: 'a', qos: 1 });
    expect(announcer.isRouted('a')).toBe(true);
    announcer.add({ topicFilter: 'a', qos: 2 }, { topicFilter: 'a', qos: 0 });
    expect(announcer.isRouted('a')).toBe(false);
    world.runAll();
    expect(at(1).qosTo(0, 'a')).toBe(2);
    announcer.remove({ topicFilter: 'a', qos: 2 });
    announcer.remove({ topicFilter: 'a', qos: 1 });
    expect(announcer.isRouted('a')).toBe(true);
    world.runAll();
    expect(at(1).qosTo(0, 'a')).toBe(1);
  });

  test('whose link is broken is waited for, and not for longer than the patience', () => {
    const { cluster, world, at } = bind(linkedOf(2));
    cluster.cut(0, 1);
    world.runAll();
    const heard: boolean[] = [];
    at(0).announcer.add({ topicFilter: 'a', qos: 1 });
    at(0).announcer.whenRouted((isRouted) => heard.push(isRouted));
    world.runAll();
    world.pass(4999);
    expect(heard).toEqual([]);
    world.pass(1);
    expect(heard).toEqual([false]);
    at(0).announcer.add({ topicFilter: 'b', qos: 1 });
    at(0).announcer.whenRouted((isRouted) => heard.push(isRouted));
    cluster.linkAll();
    world.runAll();
    expect(heard).toEqual([false, true]);
    world.pass(5000);
    expect(heard).toHaveLength(2);
  });

  test('who is over for good is not waited for', () => {
    const { cluster, world, at } = bind(linkedOf(3));
    cluster.cut(0, 2);
    world.runAll();
    at(0).subscribe('a', 1);
    world.runAll();
    expect(at(0).promised.size).toBe(0);
    at(0).announcer.forget('node-2');
    expect(at(0).promised.size).toBe(1);
  });

  test('a broken link leaves what is known, and what was given up meanwhile goes when all has been said again', () => {
    const { cluster, world, at } = bind(linkedOf(2));
    at(0).subscribe('a', 1);
    at(0).subscribe('$share/g/b', 1);
    world.runAll();
    cluster.cut(0, 1);
    world.runAll();
    at(0).unsubscribe('a');
    at(0).unsubscribe('$share/g/b');
    at(0).subscribe('c', 2);
    world.runAll();
    const known = () => ['a', '$share/g/b', 'c'].map((filter) => at(1).qosTo(0, filter));
    expect(known()).toEqual([1, 1, -1]);
    cluster.linkAll();
    world.runAll();
    expect(known()).toEqual([-1, -1, 2]);
  });

  test('a process that begins has heard of all when all have said it whole, also of those that have nothing', () => {
    const { cluster, world, at } = bind(linkedOf(3));
    at(1).subscribe('a', 1);
    world.runAll();
    cluster.restart(0);
    cluster.link(0, 1);
    world.runAll();
    expect([at(0).isServing, at(0).qosTo(1, 'a')]).toEqual([false, 1]);
    cluster.link(0, 2);
    world.runAll();
    expect(at(0).isServing).toBe(true);
  });

  test('very many are said in parts, as the link takes them, and what changes meanwhile is not lost', () => {
    const { cluster, world, at } = bind(new Cluster(2));
    for (let index = 0; index < 20_000; index++) at(0).subscribe(`many/${index}`, 1);
    world.runAll();
    cluster.link(0, 1, 16_384);
    for (let index = 0; index < 5; index++) world.step();
    expect(at(1).table.filterCountOf(0)).toBeLessThan(20_000);
    expect(at(1).isServing).toBe(false);
    at(0).unsubscribe('many/1');
    at(0).unsubscribe('many/19999');
    at(0).subscribe('late', 1);
    world.runAll();
    expect(at(1).isServing).toBe(true);
    expect(at(1).table.filterCountOf(0)).toBe(19_999);
    const known = ['many/1', 'many/2', 'many/19999', 'late'].map((one) => at(1).qosTo(0, one));
    expect(known).toEqual([-1, 1, -1, 1]);
    expect(at(0).promised.has('late')).toBe(true);
    cluster.check();
  });

  test('the messages of a group go to its cells as they have connected members', () => {
    const { world, at } = bind(linkedOf(3));
    const group = '$share/g/a';
    for (const [cell, members, connected] of [
      [1, 3, 3],
      [2, 2, 1],
      [0, 1, 1],
    ] as const) {
      // biome-ignore format: a table
      for (let index = 0; index < members; index++) {
        at(cell).announcer.add({ topicFilter: group, qos: 1 });
      }
      at(cell).connected.set(group, connected);
    }
    world.runAll();
    world.pass(50);
    world.runAll();
    const turns = (isHere: boolean) => {
      const [found] = at(0).table.routeOf({ topic: 'a' })?.groups ?? [];
      const counts: Record<string, number> = {};
      for (let turn = 0; turn < 20; turn++) {
        const to = found?.next(isHere)?.peer ?? 'here';
        counts[to] = (counts[to] ?? 0) + 1;
      }
      return counts;
    };
    expect(turns(true)).toEqual({ 'cell-1': 12, 'cell-2': 4, here: 4 });
    expect(turns(false)).toEqual({ 'cell-1': 15, 'cell-2': 5 });
    for (const cell of [0, 1, 2]) {
      at(cell).connected.set(group, 0);
      at(cell).announcer.onPresence(group);
    }
    world.pass(50);
    world.runAll();
    expect(turns(true)).toEqual({ 'cell-1': 10, 'cell-2': 7, here: 3 });
  });

  test('what an earlier owner of a cell says is passed over', () => {
    const { world, at } = bind(linkedOf(2));
    at(0).subscribe('a', 1);
    world.runAll();
    const { table } = at(1);
    table.onReset({ cell: 0, epoch: 0 });
    const gone = { filter: 'a', qos: -1, isShared: false, members: 0, connected: 0 } as const;
    expect(table.onChange({ cell: 0, epoch: 0, version: 9, filters: [gone] })).toBeNull();
    expect(table.onSync({ cell: 0, epoch: 0, version: 9 })).toBeNull();
    expect(at(1).qosTo(0, 'a')).toBe(1);
  });

  test('whatever breaks and begins again, what was acknowledged is routed by all who serve', () => {
    let promised = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed);
      const cluster = new Cluster(3);
      const { world } = cluster;
      cluster.linkAll(random.below(2) === 0 ? 64 : 1_048_576);
      for (let step = 0; step < 400; step++) {
        disturb(cluster, random);
        cluster.check();
      }
      for (const { promised: own } of cluster.processes) promised += own.size;
      world.runAll();
      cluster.linkAll();
      world.runAll();
      world.pass(10_000);
      world.runAll();
      cluster.check();
      for (const process of cluster.processes) expectAllKnown(cluster, process.cell);
    }
    expect(promised).toBeGreaterThan(1000);
  });
});

function disturb(cluster: Cluster, random: Random): void {
  const { world } = cluster;
  const process = cluster.at(random.below(3));
  const filter = FILTERS[random.below(FILTERS.length)] as string;
  const other = random.below(3);
  const kind = random.below(100);
  if (kind < 12) process.subscribe(filter, random.below(3) as QoS);
  else if (kind < 20) process.unsubscribe(filter);
  else if (kind < 22) cluster.cut(process.cell, other);
  else if (kind < 28) cluster.link(process.cell, other);
  else if (kind < 29) cluster.restart(process.cell);
  else if (kind < 32) world.pass(random.below(4000));
  else if (!world.isIdle) world.step(random);
}

/** All of a cell's subscriptions are known to all others as they are, and nothing else. */
function expectAllKnown(cluster: Cluster, cell: number): void {
  const { subscriptions } = cluster.at(cell);
  for (const other of cluster.processes) {
    if (other.cell === cell) continue;
    expect(other.isServing).toBe(true);
    expect(other.table.filterCountOf(cell)).toBe(subscriptions.size);
    for (const [filter, qos] of subscriptions) {
      expect(other.qosTo(cell, filter)).toBeGreaterThanOrEqual(qos);
    }
  }
}

function bind(cluster: Cluster) {
  return { cluster, world: cluster.world, at: (cell: number) => cluster.at(cell) };
}
