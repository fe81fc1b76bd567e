import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type DirectoryNode,
  type LinkPlace,
  type LinkTls,
  type Reach,
  WitnessBook,
} from '@promptmq/cluster';
import { LinkCertificates } from '../../src/cluster/links/link-certificates.ts';
import { NodeLinks } from '../../src/cluster/node/node-links.ts';
import { parseConfig } from '../../src/config/index.ts';
import type { Logger } from '../../src/log/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';

const NOTHING: Reach = { reaches: [], refused: [], withoutEngine: [] };

class TestNode {
  readonly id: string;
  readonly place: LinkPlace;
  readonly links: NodeLinks;
  reach: Reach = NOTHING;
  hasEngine = true;
  readonly failures: string[] = [];
  readonly book = new WitnessBook();
  #onReach = () => {};

  constructor(
    id: string,
    place: LinkPlace,
    secret = 'secret',
    peers: readonly string[] = [],
    tls: (() => LinkTls) | null = null,
  ) {
    this.id = id;
    this.place = place;
    const onFailed = (_event: string, { why }: { readonly why: string }) => {
      this.failures.push(why);
      this.#onReach();
    };
    this.links = new NodeLinks({
      cells: 6,
      witness: {
        all: () => this.book.all,
        of: (cell) => this.book.of(cell),
        note: (witness) => {
          this.book.note(witness);
          this.#onReach();
        },
      },
      ...{ node: id, cluster: 'test', secret, peers, tls, heartbeatMs: 200, silentMs: 2000 },
      log: { error: onFailed, warn: onFailed, debug: onFailed } as unknown as Logger,
      hasEngine: () => this.hasEngine,
      onReach: (reach) => {
        this.reach = reach;
        this.#onReach();
      },
    });
  }

  /** Resolves when something holds, which is looked at whenever it may. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#onReach = () => {
        if (holds()) resolve();
      };
      this.#onReach();
    });
  }
}

async function freePlace(): Promise<LinkPlace> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return { host: '127.0.0.1', port };
}

function nodesOf(nodes: readonly TestNode[]): readonly DirectoryNode[] {
  return nodes.map(({ id, place }) => ({
    ...{ id, incarnation: `${id}/1`, isAlive: true, isEligible: true, address: place },
    ...{ clients: [], version: '1.0.0', fingerprint: null },
  }));
}

const running: TestNode[] = [];

async function startAll(nodes: readonly TestNode[]): Promise<void> {
  for (const node of nodes) {
    await node.links.listen(node.place);
    running.push(node);
  }
  for (const node of nodes) node.links.follow(nodesOf(nodes));
}

afterEach(async () => {
  await Promise.all(running.splice(0).map(({ links }) => links.stop()));
});

describe('the links of nodes', () => {
  test('say whom a node reaches, and at whose address nobody listens', async () => {
    const names = ['a', 'b', 'c'];
    const nodes: TestNode[] = [];
    for (const name of names) nodes.push(new TestNode(name, await freePlace()));
    const [a, b, c] = nodes as [TestNode, TestNode, TestNode];
    await startAll(nodes);
    for (const node of nodes) await node.until(() => node.reach.reaches.length === 2);
    expect(b.reach).toEqual({ reaches: ['a', 'c'], refused: [], withoutEngine: [] });

    // Whoever dials, both find it.
    await a.links.stop();
    await b.until(() => b.reach.refused.includes('a'));
    await c.until(() => c.reach.refused.includes('a'));
    await c.links.stop();
    await b.until(() => b.reach.refused.includes('c'));
    expect(b.reach).toEqual({ reaches: [], refused: ['a', 'c'], withoutEngine: [] });

    b.links.follow(nodesOf([b]));
    expect(b.reach).toEqual(NOTHING);
  });

  test('say how far cells are, and to one that knows an older owner which is the newer one', async () => {
    const [a, b] = [new TestNode('a', await freePlace()), new TestNode('b', await freePlace())];
    const former = { cell: 1, epoch: 3, sequence: 9, position: 900, chain: 7, node: 'a' };
    const newer = { ...former, epoch: 4, sequence: 6, position: 900, node: 'b' };
    a.book.note(former);
    await startAll([a, b]);
    await b.until(() => b.book.of(1) !== null);
    b.book.note(newer);
    // It has been away, and goes on with what it had.
    a.links.tell([{ ...former, sequence: 10 }]);
    await a.until(() => a.book.of(1)?.epoch === 4);
    expect([a.book.of(1), b.book.of(1)]).toEqual([newer, newer]);
  });

  test('say which of those are without the engine', async () => {
    const [a, b] = [new TestNode('a', await freePlace()), new TestNode('b', await freePlace())];
    a.hasEngine = false;
    await startAll([a, b]);
    await b.until(() => b.reach.withoutEngine.includes('a'));
    a.hasEngine = true;
    await b.until(() => b.reach.withoutEngine.length === 0);
    expect(b.reach.reaches).toEqual(['a']);
    b.hasEngine = false;
    await a.until(() => a.reach.withoutEngine.includes('b'));
    await b.links.stop();
    await a.until(() => a.reach.reaches.length === 0);
    expect(a.reach.withoutEngine).toEqual([]);
  });

  test('are to nodes that know the secret, and may take part', async () => {
    const a = new TestNode('a', await freePlace(), 'secret', ['a', 'b']);
    const b = new TestNode('b', await freePlace(), 'another one');
    const c = new TestNode('c', await freePlace());
    await startAll([a, b, c]);
    await b.until(() => b.failures.some((why) => why.includes('secret')));
    await c.until(() => c.failures.some((why) => why.includes('not among those')));
    expect(a.reach.reaches).toEqual([]);
    // Somebody listens there all the same.
    expect(a.reach.refused).toEqual([]);
  });

  test('are encrypted where there are certificates, and to nodes that have one of the same authority', async () => {
    const authority = new CertificateAuthority('Nodes');
    const of = (from: CertificateAuthority, ca = authority): LinkTls => {
      const { cert, key } = from.issue('node');
      return { cert, key, ca: ca.cert };
    };
    const named = async (id: string, tls: LinkTls | null) =>
      new TestNode(id, await freePlace(), 'secret', [], tls === null ? null : () => tls);
    const other = new CertificateAuthority('Others');
    const a = await named('a', of(authority));
    const b = await named('b', of(authority));
    const c = await named('c', of(other));
    const d = await named('d', null);
    await startAll([a, b, c, d]);
    await a.until(() => a.reach.reaches.includes('b'));
    await b.until(() => b.reach.reaches.includes('a'));
    // Who dials a node whose certificate it can't check says so, and so does who is dialled without TLS.
    await c.until(() => c.failures.some((why) => why.startsWith('TLS: ')));
    await d.until(() => d.failures.length > 0);
    await a.until(() => a.failures.some((why) => why.startsWith('TLS: ')));
    expect([a.reach.reaches, b.reach.reaches]).toEqual([['b'], ['a']]);
    expect([c.reach.reaches, d.reach.reaches]).toEqual([[], []]);
    expect(c.links.refused).toBeGreaterThan(0);
    // One that trusts the others, and that they don't trust.
    const e = await named('e', of(other));
    const trusting = await named('f', of(other, authority));
    await startAll([e]);
    await trusting.links.listen(trusting.place);
    running.push(trusting);
    trusting.links.follow(nodesOf([a, trusting]));
    const before = a.links.refused;
    await a.until(() => a.links.refused > before);
    expect(trusting.reach.reaches).toEqual([]);
    // The same the other way round: who dials it checks its certificate as well.
    const dialled = await named('0', of(other, authority));
    const dialling = await named('g', of(authority));
    await startAll([dialled, dialling]);
    await dialling.until(
      () =>
        dialling.reach.reaches.length > 0 ||
        dialling.failures.some((why) => why.startsWith('TLS: ')),
    );
    expect([dialled.reach.reaches, dialling.reach.reaches]).toEqual([[], []]);
  });
});

test('certificates of links that have changed are used for the next one; ones that are of no use, not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-links-'));
  const paths = { cert: join(folder, 'cert'), key: join(folder, 'key'), ca: join(folder, 'ca') };
  const authority = new CertificateAuthority('Nodes');
  const write = ({ cert, key }: { readonly cert: string; readonly key: string }) => {
    for (const path of Object.values(paths)) rmSync(path, { force: true });
    writeFileSync(paths.cert, cert);
    writeFileSync(paths.key, key);
    writeFileSync(paths.ca, authority.cert);
  };
  const lines: string[] = [];
  const log = {
    info: (event: string) => lines.push(event),
    warn: () => {},
    error: (event: string, fields: { readonly key: string }) =>
      lines.push(`${event} ${fields.key}`),
  } as unknown as Logger;
  try {
    const [first, second] = [authority.issue('one'), authority.issue('one, again')];
    write(first);
    const certificates = LinkCertificates.of(parseConfig({ cluster: { tls: paths } }), log);
    const before = certificates?.current;
    expect(before?.cert).toBe(first.cert);
    expect(certificates?.current).toBe(before);
    write(second);
    expect(certificates?.current.cert).toBe(second.cert);
    write({ cert: first.cert, key: second.key });
    expect(certificates?.current.cert).toBe(second.cert);
    expect(lines).toEqual(['link-certificates-read', 'config-refused cluster.tls.cert']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
