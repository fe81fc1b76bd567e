import { expect, test } from '@jest/globals';
import type { Delivery, Message } from '@promptmq/session';
import type { ConfigInput } from '../../src/config/index.ts';
import type { HeldPublisher } from '../../src/connection/peer.ts';
import {
  ONLY_RETAINED,
  type PeerCell,
  type PeerGroup,
  type PeerRoute,
  type Peers,
  type PeerTarget,
} from '../../src/routing/peers.ts';
import type { Publication } from '../../src/routing/publication.ts';
import type { BrokerSession } from '../../src/sessions/broker-session.ts';
import { Code, message, publisher, routerOf, Subscriber, view } from '../support/router.ts';

/** What was sent at QoS 0 to which cell, and for which group there. */
type Sent = readonly [cell: number, group: string | null];

/** Other cells, which get the messages of topics as it is said. */
class NotedPeers implements Peers {
  readonly routes = new Map<string, PeerRoute>();
  readonly sent: Sent[] = [];
  backlogBytes = 0;
  readonly publishers: (HeldPublisher | null)[] = [];
  /** The cell that keeps retained messages; null: this one. */
  keeper: PeerCell | null = null;
  readonly retained: [topic: string, position: number][] = [];
  readonly notRetained: string[] = [];
  readonly cleared: string[] = [];

  routeOf({ topic }: { readonly topic: string }): PeerRoute | null {
    return this.routes.get(topic) ?? null;
  }

  groupOf(wholeFilter: string): PeerGroup | null {
    const groups = [...this.routes.values()].flatMap((route) => route.groups);
    return groups.find((group) => group.wholeFilter === wholeFilter) ?? null;
  }

  keeperOf(): PeerCell | null {
    return this.keeper;
  }

  onRetained({ topic }: Message, position: number): void {
    this.retained.push([topic, position]);
  }

  onCopied(): void {}

  onNotRetained(topic: string): void {
    this.notRetained.push(topic);
  }

  whenRetainedKnown(_: readonly string[], onDone: (isKnown: boolean) => void): void {
    onDone(true);
  }

  clearRetained(topic: string): void {
    this.cleared.push(topic);
  }

  sendQoS0(_: Publication, targets: readonly PeerTarget[], sender: HeldPublisher | null): void {
    for (const { peer, group } of targets) this.sent.push([peer.cell, group]);
    this.publishers.push(sender);
  }
}

/** Of a message of another cell. */
const ORIGIN = { kind: 'cell', generation: 1, cell: 1, sequence: 1 } as const;

function clusterOf(mqtt: Parameters<typeof routerOf>[0] = {}, config: ConfigInput = {}) {
  const parts = routerOf(mqtt, config);
  const peers = new NotedPeers();
  parts.router.peers = peers;
  return { ...parts, peers };
}

/** The way to a cell, whose messages are stored where nothing else is said. */
function target(cell: number, qos: 0 | 1 | 2, group: string | null = null) {
  const session = new Subscriber(`\0cell/${cell}`, true);
  const noted: string[] = [];
  const peer = {
    cell,
    session: session as unknown as BrokerSession,
    noteStored: (topic: string, ahead: number) => void noted.push(`${topic} ${ahead}`),
    isBehind: (topic: string) => noted.length > 0 && topic === 'behind',
  };
  return { peer, qos, group, session, noted };
}

/** A group whose next message is for a cell; null for a member that is here. */
function groupOf(wholeFilter: string, chosen: PeerTarget | null): PeerGroup & { asked: boolean[] } {
  const asked: boolean[] = [];
  return {
    wholeFilter,
    asked,
    next(isHere) {
      asked.push(isHere);
      return chosen;
    },
  };
}

test('a message goes to another cell at QoS 0 where it was published so, or nobody there has more', () => {
  const { router, peers, journal } = clusterOf();
  peers.routes.set('t', { targets: [target(1, 2), target(2, 0)], groups: [] });
  const { reasonCode } = router.publish(view({ qos: 0 }), publisher(), null);
  expect(reasonCode).toBe(Code.Success);
  const ofTwo = [[1, null], [2, null]] as const; // biome-ignore format: side by side
  expect(peers.sent).toEqual(ofTwo);
  router.publish(view({ qos: 1 }), publisher(), null);
  expect(peers.sent).toEqual([...ofTwo, [2, null]]);
  expect(journal.written.map(({ ids }) => ids)).toEqual([['\0cell/1']]);
  router.checkInvariants();
});

test('what is stored for another cell is in the record of the message, with those of this one', () => {
  const { router, peers, journal, subscribe } = clusterOf();
  subscribe(new Subscriber('here', true), { qos: 1 });
  const elsewhere = target(3, 2);
  peers.routes.set('t', { targets: [elsewhere], groups: [] });
  const { position } = router.publish(view({ qos: 2, retain: true }), publisher(), null);
  expect(position).toBe(10);
  expect(journal.written).toMatchObject([{ ids: ['here', '\0cell/3'] }]);
  const [delivery] = elsewhere.session.delivered;
  expect(delivery).toMatchObject({ qos: 2, retain: true, group: null, identifiers: [] });
});

test('who sends a message is known to who takes it to other cells, and nobody sends a will', () => {
  const { router, peers } = clusterOf();
  peers.routes.set('t', { targets: [target(1, 0)], groups: [] });
  const client = publisher();
  router.publish(view(), client, null);
  router.publishMessage(message());
  expect(peers.publishers).toEqual([client, null]);
});

test('one member of a shared group gets a message, here or in another cell', () => {
  const { router, peers, subscribe } = clusterOf();
  const here = subscribe(new Subscriber('here'), { topicFilter: '$share/g/t' });
  const only = groupOf('$share/h/t', target(2, 0, '$share/h/t'));
  const away = groupOf('$share/g/t', target(1, 0, '$share/g/t'));
  peers.routes.set('t', { targets: [], groups: [away, only] });
  router.publish(view(), publisher(), null);
  expect(here.delivered).toHaveLength(0);
  expect(peers.sent).toEqual([[1, '$share/g/t'], [2, '$share/h/t']]); // biome-ignore format: side by side
  expect([away.asked, only.asked]).toEqual([[true], [false]]);
  peers.routes.set('t', { targets: [], groups: [groupOf('$share/g/t', null), only] });
  router.publish(view(), publisher(), null);
  expect(here.delivered).toHaveLength(1);
});

test('what the broker says of itself stays in its cell', () => {
  const { router, peers } = clusterOf();
  peers.routes.set('$SYS/x', { targets: [target(1, 2)], groups: [] });
  router.publishMessage(message({ topic: '$SYS/x' }));
  expect(peers.sent).toEqual([]);
});

test('on a full disk, a message that would be stored for another cell is refused', () => {
  const { router, peers, journal, subscribe } = clusterOf();
  const here = subscribe(new Subscriber('here'));
  peers.routes.set('t', { targets: [target(1, 1)], groups: [] });
  journal.fill();
  expect(router.publish(view(), publisher(), null).reasonCode).toBe(Code.QuotaExceeded);
  expect(here.delivered).toHaveLength(0);
  expect(router.publish(view({ qos: 0 }), publisher(), null).reasonCode).toBe(Code.Success);
});

test('beyond maxBacklog, what is for the cell for which too much waits is refused, and nothing else is', () => {
  const { router, peers, stats, subscribe } = clusterOf({}, { cluster: { maxBacklog: 1000 } });
  const here = subscribe(new Subscriber('here'));
  const [full, other] = [target(1, 1), target(2, 1)];
  full.session.queue.bytes = 1001;
  peers.backlogBytes = 1001;
  peers.routes.set('t', { targets: [other, full], groups: [] });
  expect(router.publish(view(), publisher(), null).reasonCode).toBe(Code.QuotaExceeded);
  expect(here.delivered).toHaveLength(0);
  expect(stats.refused['queue-full']).toBe(1);
  expect(router.publish(view({ qos: 0 }), publisher(), null).reasonCode).toBe(Code.Success);
  // A will has nobody to be refused to.
  router.publishMessage(message());
  expect(full.session.delivered).toHaveLength(1);
  peers.routes.set('t', { targets: [other], groups: [] });
  expect(router.publish(view(), publisher(), null).reasonCode).toBe(Code.Success);
  full.session.queue.bytes = 1000;
  peers.backlogBytes = 1000;
  peers.routes.set('t', { targets: [full], groups: [] });
  expect(router.publish(view(), publisher(), null).reasonCode).toBe(Code.Success);
});

test('a message that was not routed to its end is not sent to other cells by the next one', () => {
  const { router, peers, subscribe } = clusterOf();
  const failing = groupOf('$share/h/t', null);
  failing.next = () => {
    throw new Error('out of order');
  };
  peers.routes.set('t', { targets: [target(1, 0)], groups: [failing] });
  expect(() => router.publish(view(), publisher(), null)).toThrow('out of order');
  expect(() => router.checkInvariants()).toThrow('still to be sent');
  router.abandon();
  router.checkInvariants();
  subscribe(new Subscriber('here'), { topicFilter: 'u' });
  router.publish(view({ topic: 'u' }), publisher(), null);
  expect(peers.sent).toEqual([]);
});

test('a message of another cell is for the ordinary subscribers here, and for members of the groups that it names', () => {
  const { router, peers, subscribe } = clusterOf();
  peers.routes.set('t', { targets: [target(1, 2)], groups: [] });
  const plain = subscribe(new Subscriber('plain'), { qos: 1, retainAsPublished: true });
  const member = subscribe(new Subscriber('member'), { topicFilter: '$share/g/t' });
  const other = subscribe(new Subscriber('other'), { topicFilter: '$share/h/t' });
  const sender = { clientId: 'far', version: 5 } as const;
  const toPlain = { isPlain: true, groups: [] };
  router.forwardView(view({ qos: 0, retain: true }), sender, toPlain);
  router.publishForwarded(message({ qos: 2 }), ORIGIN, { isPlain: false, groups: ['$share/g/t'] });
  router.publishForwarded(message(), ORIGIN, { isPlain: false, groups: ['$share/gone/t'] });
  expect(plain.delivered).toMatchObject([{ qos: 0, retain: true }]);
  expect(member.delivered).toMatchObject([{ qos: 2, group: '$share/g/t' }]);
  expect(other.delivered).toHaveLength(0);
  expect(peers.sent).toEqual([]);
  expect(router.retained.count).toBe(0);
});

test('a message of another cell is written with what has to be known of it, and No Local holds for its publisher', () => {
  const { router, journal, subscribe } = clusterOf();
  const own = subscribe(new Subscriber('publisher', true), { noLocal: true });
  const stored = subscribe(new Subscriber('a', true));
  const toPlain = { isPlain: true, groups: [] };
  expect(router.publishForwarded(message(), ORIGIN, toPlain).position).toBe(10);
  expect(own.delivered).toHaveLength(0);
  expect(stored.delivered).toHaveLength(1);
  // Who isn't stored doesn't outlive the process, which knows what it has applied.
  const unstored = subscribe(new Subscriber('b'), { topicFilter: 'u' });
  expect(router.publishForwarded(message({ topic: 'u' }), ORIGIN, toPlain).position).toBe(-1);
  expect(unstored.delivered).toHaveLength(1);
  expect(journal.written.map((one) => one.ids)).toEqual([['a']]);
});

test('on a full disk, a message of another cell is refused that would be stored for somebody, and nobody gets it', () => {
  const { router, journal, subscribe } = clusterOf();
  const here = subscribe(new Subscriber('here'));
  subscribe(new Subscriber('stored', true));
  const unstored = subscribe(new Subscriber('unstored'), { topicFilter: 'u' });
  journal.fill();
  const toPlain = { isPlain: true, groups: [] };
  const refused = router.publishForwarded(message(), ORIGIN, toPlain);
  expect(refused.reasonCode).toBe(Code.QuotaExceeded);
  expect(here.delivered).toHaveLength(0);
  const taken = router.publishForwarded(message({ topic: 'u' }), ORIGIN, toPlain);
  expect(taken.reasonCode).toBe(Code.Success);
  expect(unstored.delivered).toHaveLength(1);
});

test('what a member of a group had not acknowledged goes to another cell where nobody else is left here, and is stored for it', () => {
  const { router, peers, journal, subscribe } = clusterOf();
  const wholeFilter = '$share/g/t';
  const next = target(2, 1, wholeFilter);
  const gone = subscribe(new Subscriber('gone'), { topicFilter: wholeFilter, qos: 1 });
  router.publish(view({ qos: 1 }), publisher(), null);
  const from = gone as unknown as BrokerSession;
  const given = [...gone.delivered] as Delivery[];
  expect(router.redeliver(given, from)).toEqual(given);
  peers.routes.set('t', { targets: [], groups: [groupOf(wholeFilter, next)] });
  expect(router.redeliver(given, from)).toEqual([]);
  expect(next.session.delivered).toMatchObject([{ qos: 1, group: wholeFilter }]);
  expect(next.noted).toEqual(['t 0']);
  // What is stored for another cell waits for room.
  journal.fill();
  expect(router.redeliver(given, from)).toEqual(given);
});

test('a message for a group of which nobody is left here goes on to another cell', () => {
  const { router, peers } = clusterOf();
  const wholeFilter = '$share/g/t';
  const next = target(2, 1, wholeFilter);
  peers.routes.set('t', { targets: [], groups: [groupOf(wholeFilter, next)] });
  router.publishForwarded(message(), ORIGIN, { isPlain: false, groups: [wholeFilter] });
  expect((next.peer.session as unknown as Subscriber).delivered).toMatchObject([
    { qos: 1, group: wholeFilter },
  ]);
  router.checkInvariants();
});

test('a retained message is written where this cell keeps it, and the others are told', () => {
  const { router, peers, journal } = clusterOf();
  router.publish(view({ retain: true }), publisher(), null);
  expect(journal.written).toMatchObject([{ isRetained: true }]);
  expect(peers.retained).toEqual([['t', 10]]);
  router.publishMessage(message({ topic: '$SYS/x', retain: true }));
  expect(peers.retained).toHaveLength(1);
  router.clearRetained(router.retained.get('t') as Message);
  expect([peers.notRetained, peers.cleared]).toEqual([['t'], []]);
});

test('what another cell keeps goes there stored, also at QoS 0, beside what its subscribers get, and there is a copy here that is not written', () => {
  const { router, peers, journal } = clusterOf();
  const keeper = target(2, 0);
  peers.keeper = keeper.peer;
  peers.routes.set('t', { targets: [keeper, target(1, 0)], groups: [] });
  router.publish(view({ qos: 0, retain: true }), publisher(), null);
  expect(journal.written).toMatchObject([{ ids: ['\0cell/2'], isRetained: false }]);
  expect(keeper.session.delivered).toMatchObject([{ qos: 1, retain: true, group: ONLY_RETAINED }]);
  expect(keeper.session.delivered[0]?.message.qos).toBe(0);
  const ofTwo = [[2, null], [1, null]]; // biome-ignore format: side by side
  expect(peers.sent).toEqual(ofTwo);
  expect(router.retained.get('t')).toBeDefined();
  expect(peers.retained).toEqual([]);
  router.clearRetained(router.retained.get('t') as Message);
  expect(peers.cleared).toEqual(['t']);
  router.checkInvariants();
});

test('what is stored for subscribers in the cell that keeps it goes there once', () => {
  const { router, peers, journal } = clusterOf();
  const keeper = target(2, 1);
  peers.keeper = keeper.peer;
  peers.routes.set('t', { targets: [keeper], groups: [] });
  router.publish(view({ qos: 1, retain: true }), publisher(), null);
  expect(keeper.session.delivered).toMatchObject([{ qos: 1, retain: true, group: null }]);
  expect(journal.written).toMatchObject([{ ids: ['\0cell/2'], isRetained: false }]);
  expect(peers.sent).toEqual([]);
});

test('what goes at QoS 0 waits where something of its topic waits for the cell', () => {
  const { router, peers, journal } = clusterOf();
  const elsewhere = target(1, 1);
  for (const topic of ['behind', 'other']) {
    peers.routes.set(topic, { targets: [elsewhere], groups: [] });
  }
  router.publish(view({ topic: 'behind', qos: 0 }), publisher(), null);
  router.publish(view({ topic: 'behind', qos: 1 }), publisher(), null);
  router.publish(view({ topic: 'behind', qos: 0 }), publisher(), null);
  router.publish(view({ topic: 'other', qos: 0 }), publisher(), null);
  expect(peers.sent).toHaveLength(2);
  expect(elsewhere.noted).toEqual(['behind 0']);
  expect(elsewhere.session.delivered.map(({ qos }) => qos)).toEqual([1, 0]);
  expect(journal.written).toHaveLength(1);
  router.checkInvariants();
});

test('what another cell has published is retained by the cell that keeps it, and no other', () => {
  const { router, peers, journal } = clusterOf();
  const toPlain = { isPlain: true, groups: [] };
  const published = message({ retain: true, qos: 0 });
  router.publishForwarded(published, ORIGIN, toPlain);
  expect(journal.written).toMatchObject([{ isRetained: true, ids: [] }]);
  expect(peers.retained).toEqual([['t', 10]]);
  peers.keeper = target(2, 0).peer;
  router.publishForwarded({ ...published, topic: 'u' }, ORIGIN, toPlain);
  expect(router.retained.get('u')).toBeUndefined();
  expect(journal.written).toHaveLength(1);
});

test('where there is no room for it, the others are told what there is instead', () => {
  const { router, peers, journal } = clusterOf({ maxRetained: 0 });
  const toPlain = { isPlain: true, groups: [] };
  router.publishForwarded(message({ retain: true }), ORIGIN, toPlain);
  expect([peers.notRetained, peers.retained, journal.written]).toEqual([['t'], [], []]);
});
