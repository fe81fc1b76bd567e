import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { nodeClock } from '@promptmq/wal';
import type { ClusterEngine } from '../../src/engine/engine.ts';
import { NatsEngine } from '../../src/engine/nats/nats-engine.ts';
import { PostgresEngine } from '../../src/engine/postgres/postgres-engine.ts';
import type { Directory } from '../../src/map/directory.ts';
import { readCluster, requestMove } from '../../src/map/requests.ts';
import { Member } from '../../src/membership/member.ts';
import { MEMBER_TIMES, type MemberTimes } from '../../src/membership/member-options.ts';
import type { MembershipHost } from '../../src/membership/membership-host.ts';
import { APP, NatsCluster } from '../support/nats-cluster.ts';
import { otherProgram } from '../support/other-programs.ts';
import { PostgresServer, postgresPrograms } from '../support/postgres-server.ts';
import { untilThere } from '../support/until-there.ts';

const CELLS = 4;

/** The usual times, four times as fast. */
const TIMES = Object.fromEntries(
  Object.entries(MEMBER_TIMES).map(([name, timeMs]) => [name, timeMs / 4]),
) as unknown as MemberTimes;

/** A node whose cells are served as soon as they are opened. */
class FastNode implements MembershipHost {
  readonly name: string;
  readonly engine: ClusterEngine;
  readonly member: Member;
  readonly opened = new Map<number, number>();
  directory: Directory | null = null;
  onChanged = () => {};

  constructor(name: string, engine: ClusterEngine) {
    this.name = name;
    this.engine = engine;
    this.member = new Member(this, {
      ...{ map: engine.map, clock: nodeClock, node: name, incarnation: `${name}/1` },
      facts: {
        ...{ address: '127.0.0.1:7000', clients: [], version: '1.0.0', level: 1 },
        fingerprint: null,
      },
      ...{ cells: CELLS, times: TIMES },
    });
  }

  async openCell(cell: number, epoch: number): Promise<'serving'> {
    this.opened.set(cell, epoch);
    return 'serving';
  }

  async releaseCell(cell: number): Promise<void> {
    this.opened.delete(cell);
  }

  onDirectory(directory: Directory): void {
    this.directory = directory;
    this.onChanged();
  }

  onState(): void {}

  /** Resolves when what it knows of cells is as it is to be. */
  until(holds: (owners: readonly (string | null)[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.onChanged = () => {
        const cells = this.directory?.cells ?? [];
        const areServed = cells.length === CELLS && cells.every(({ state }) => state === 'serving');
        if (areServed && holds(cells.map(({ node }) => node))) resolve();
      };
      this.onChanged();
    });
  }
}

async function shareCells(makeEngine: () => ClusterEngine): Promise<void> {
  const nodes: FastNode[] = [];
  for (const name of ['one', 'two', 'three']) {
    const engine = makeEngine();
    await untilThere(() => engine.connect());
    nodes.push(new FastNode(name, engine));
  }
  const [one, two, three] = nodes as [FastNode, FastNode, FastNode];
  const has = (owners: readonly (string | null)[], name: string) =>
    owners.filter((owner) => owner === name).length;
  try {
    await Promise.all(nodes.map(({ member }) => member.join()));
    await one.until((owners) => nodes.every(({ name }) => has(owners, name) > 0));
    const { map } = one.engine;
    const cell = [...two.opened.keys()][0] as number;
    expect(await requestMove(map, nodeClock, cell, 'three')).toEqual({ kind: 'done' });
    await one.until((owners) => owners[cell] === 'three');
    // One that says nothing any more.
    three.member.stop();
    await one.until((owners) => has(owners, 'three') === 0);
    await two.member.leave();
    await one.until((owners) => has(owners, 'one') === CELLS);
    const cluster = await readCluster(map, nodeClock);
    expect([...(cluster?.nodes.keys() ?? [])].sort()).toEqual(['one', 'three']);
    expect(cluster?.cells.map(({ epoch }, number) => epoch === one.opened.get(number))).toEqual(
      Array(CELLS).fill(true),
    );
  } finally {
    for (const { member, engine } of nodes) {
      member.stop();
      await engine.close();
    }
  }
}

const nats = otherProgram('nats-server 2.15.1');
const postgres = postgresPrograms();

if (nats.missing !== null) test.skip(`servers of NATS: ${nats.missing}`, () => {});
else {
  describe('members on servers of NATS', () => {
    let cluster: NatsCluster;
    beforeAll(async () => {
      cluster = await NatsCluster.start({ command: nats.command });
    });
    afterAll(() => cluster.stop());

    test('share the cells, and serve those of one that is gone', () =>
      shareCells(
        () => new NatsEngine({ servers: cluster.urls, credentials: APP, sync: 'assumed' }),
      ));
  });
}

if (postgres === null) {
  test.skip('a server of PostgreSQL: not installed; `node scripts clients` installs it, as root', () => {});
} else {
  describe('members on a server of PostgreSQL', () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await PostgresServer.start(postgres);
    });
    afterAll(() => server.stop());

    test('share the cells, and serve those of one that is gone', () =>
      shareCells(
        () => new PostgresEngine({ urls: [server.url], name: 'members', replicas: 1, pollMs: 50 }),
      ));
  });
}
