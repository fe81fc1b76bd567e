import { afterEach, expect, jest, test } from '@jest/globals';
import { EventFeed } from '../../src/admin/streams/event-feed.ts';
import { EventFeeds, type FeedLimits } from '../../src/admin/streams/event-feeds.ts';
import { OpenStreams } from '../../src/admin/streams/open-streams.ts';
import { noopLogger } from '../../src/log/index.ts';
import { createStats } from '../../src/runtime/stats.ts';
import { ApiBroker, type EventReader } from '../support/api-broker.ts';

let api: ApiBroker | null = null;

afterEach(async () => {
  jest.useRealTimers();
  await api?.stop();
  api = null;
});

const A = '/events?filter=a&type=message';

test('who comes back with Last-Event-ID gets what he has missed, and what comes then', async () => {
  api = await ApiBroker.start();
  const publish = (payload: string) => api?.broker.publish({ topic: 'a', payload });
  const first = await api.events(A);
  await publish('one');
  await publish('two');
  const { id } = await first.next();
  await closed(first);
  await publish('three');
  const again = await api.events(A, { 'last-event-id': `${id}` });
  await publish('four');
  for (const payload of ['two', 'three', 'four']) {
    expect(await again.next()).toMatchObject({ name: 'message', data: { payload } });
  }
  expect(api.broker.stats.admin.gaps).toBe(0);
  again.close();
});

test('who comes back before his former connection is known to be over takes its place', async () => {
  api = await ApiBroker.start();
  const publish = (payload: string) => api?.broker.publish({ topic: 'a', payload });
  const first = await api.events(A);
  await publish('one');
  const { id } = await first.next();
  const again = await api.events(A, { 'last-event-id': `${id}` });
  await publish('two');
  expect(await again.next()).toMatchObject({ data: { payload: 'two' } });
  await closed(first);
  await publish('three');
  expect(await again.next()).toMatchObject({ data: { payload: 'three' } });
  again.close();
});

test.each([
  ['an identifier that nobody has made', () => 'AAAAAAAAAAAA-1', A],
  ['one of an earlier version', () => '17', A],
  ['that of another question', (id: string) => id, '/events?filter=b&type=message'],
])('%s is answered with gap', async (_, lastEventIdOf, path) => {
  api = await ApiBroker.start();
  const first = await api.events(A);
  await api.broker.publish({ topic: 'a', payload: 'one' });
  const { id } = await first.next();
  const asked = lastEventIdOf(`${id}`);
  const again = await api.events(path, { 'last-event-id': asked });
  expect(await again.next()).toMatchObject({
    name: 'gap',
    data: { last_event_id: asked, missing: null },
  });
  expect(api.broker.stats.admin.gaps).toBe(1);
  first.close();
  again.close();
});

test('more than admin.max-resume-bytes are not kept: he is told of the gap', async () => {
  api = await ApiBroker.start({ admin: { maxResumeBytes: 2000 } });
  const first = await api.events(A);
  await api.broker.publish({ topic: 'a', payload: 'one' });
  const { id } = await first.next();
  await closed(first);
  await api.broker.publish({ topic: 'a', payload: 'x'.repeat(2000) });
  const again = await api.events(A, { 'last-event-id': `${id}` });
  expect(await again.next()).toMatchObject({ name: 'gap' });
  again.close();
});

/** Resolves when the broker knows that a reader has gone. */
async function closed(reader: EventReader): Promise<void> {
  const { stats } = (api as ApiBroker).broker;
  const before = stats.admin.streamsCurrent;
  reader.close();
  while (stats.admin.streamsCurrent === before) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Feeds without a broker: `send` is what happens. */
function makeFeeds(limits: Partial<FeedLimits> = {}) {
  const { admin: stats } = createStats();
  const all = {
    maxStreams: 2,
    maxStreamBytes: 65_536,
    maxEventRate: 1000,
    resumeTimeout: 60_000,
    maxResumeBytes: 1000,
  };
  const streams = new OpenStreams({ ...all, ...limits }, noopLogger, stats);
  const feeds = new EventFeeds({ ...all, ...limits }, streams, stats);
  const following: EventFeed['send'][] = [];
  const open = (key: string, lastEventId: string | null = null) =>
    feeds.open({ caller: 'c', key, lastEventId }, (send) => {
      following.push(send);
      return () => void following.splice(following.indexOf(send), 1);
    });
  const send = (text: string) => {
    for (const one of [...following]) one('x', text);
  };
  return { feeds, open, send, following, streams };
}

test('nothing is followed any more when admin.resume-timeout has passed', async () => {
  jest.useFakeTimers();
  const { feeds, open, send, following } = makeFeeds();
  const stream = open('k');
  send('one');
  await stream.bytes.cancel();
  expect([feeds.keptCount, following.length]).toEqual([1, 1]);
  jest.advanceTimersByTime(59_999);
  expect(feeds.keptCount).toBe(1);
  jest.advanceTimersByTime(1);
  expect([feeds.keptCount, following.length]).toEqual([0, 0]);
});

test('nothing is followed for a reader who has had no event, or whom a gap waits for', async () => {
  const { feeds, open, send, following } = makeFeeds();
  await open('k').bytes.cancel();
  expect([feeds.keptCount, following.length]).toEqual([0, 0]);
  const stream = open('k');
  send('one');
  await stream.bytes.cancel();
  for (let count = 0; count < 3; count++) send('x'.repeat(300));
  expect([feeds.keptCount, following.length]).toEqual([0, 0]);
});

test('of readers who are away, admin.max-streams are waited for: the last ones', async () => {
  const { feeds, open, send, following } = makeFeeds();
  for (const key of ['one', 'two', 'three']) {
    const stream = open(key);
    send('x');
    await stream.bytes.cancel();
  }
  expect([feeds.keptCount, following.length]).toEqual([2, 2]);
});

test('a broker that stops waits for nobody', async () => {
  const { feeds, open, send, following } = makeFeeds();
  const [away, there] = [open('one'), open('two')];
  send('x');
  await away.bytes.cancel();
  feeds.close();
  await there.bytes.cancel();
  expect([feeds.keptCount, following.length]).toEqual([0, 0]);
});

test('a gap says how many events are missing, and those that are kept follow it', () => {
  const feed = new EventFeed('id', 'key', 400);
  for (let count = 1; count <= 10; count++) feed.send('x', count);
  const sent: unknown[] = [];
  const stream = {
    send: (name: string, data: object) => sent.push([name, data]),
    sendJson: (name: string, json: string, id: string) => sent.push([name, json, id]),
  };
  expect(feed.attach(stream as never, 2)).toBe(5);
  expect(sent).toEqual([
    ['gap', { last_event_id: 'id-2', missing: 5, ts: expect.any(Number) }],
    ['x', '8', 'id-8'],
    ['x', '9', 'id-9'],
    ['x', '10', 'id-10'],
  ]);
});
