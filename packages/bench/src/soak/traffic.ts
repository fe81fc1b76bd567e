import type { QoS } from '@promptmq/codec';
import type { Version } from '../client/frames.ts';
import type { Cast } from './cast.ts';
import type { Source } from './pump.ts';
import { Pool, type Receiver, type Stream } from './receiver.ts';

/** Numbers of clients, each publisher with its topic. */
export interface Sizes {
  readonly qos0Pairs: number;
  readonly qos1Pairs: number;
  readonly qos2Pairs: number;
  readonly wildcardPublishers: number;
  readonly wildcardSubscribers: number;
  readonly sharedPublishers: number;
  readonly sharedMembers: number;
}

/** What is published all the while, and who gets it. */
export interface Traffic {
  readonly sources: readonly Source[];
  readonly pools: readonly Pool[];
  /** Of the first pair, which others may listen to as well. */
  readonly firstStream: Stream;
  readonly firstTopic: string;
  readonly shareFilter: string;
}

/** What part of all messages each group has; the durable sessions have the rest. */
const SHARES = { qos0: 0.48, qos1: 0.3, qos2: 0.08, wildcard: 0.04, shared: 0.06 } as const;

export const DURABLE_SHARE = 0.04;

/** MQTT 3.1.1 and 5 in turns. */
export function versionOf(index: number): Version {
  return index % 2 === 0 ? 5 : 4;
}

/** Connects everyone who stays. */
export async function openTraffic(cast: Cast, sizes: Sizes): Promise<Traffic> {
  const sources = [
    ...(await openPairs(cast, 0, sizes.qos0Pairs, SHARES.qos0)),
    ...(await openPairs(cast, 1, sizes.qos1Pairs, SHARES.qos1)),
    ...(await openPairs(cast, 2, sizes.qos2Pairs, SHARES.qos2)),
    ...(await openWildcard(cast, sizes)),
  ];
  const shareFilter = `$share/group/${cast.topic('shared/+')}`;
  const { pools, sources: shared } = await openShared(cast, sizes, shareFilter);
  const firstStream = (sources[0] as Source & { stream: Stream }).stream;
  const firstTopic = cast.topic('qos0/0');
  return { sources: [...sources, ...shared], pools, firstStream, firstTopic, shareFilter };
}

async function openPairs(cast: Cast, qos: QoS, count: number, share: number) {
  const sources: (Source & { stream: Stream })[] = [];
  for (let index = 0; index < count; index++) {
    const name = `qos${qos}-${index}`;
    const topic = cast.topic(`qos${qos}/${index}`);
    const { stream, publisher } = await cast.publisher(
      `${name}-pub`,
      topic,
      qos,
      versionOf(index + 1),
    );
    const receiver = cast.receiver(name).expectAll(stream);
    const client = await cast.subscriber(`${name}-sub`, receiver, {
      // MQTT 3.1.1 states no Receive Maximum: at QoS 2, the broker's own would be what limits.
      version: qos === 2 ? 5 : versionOf(index),
      isTimed: true,
      onMessages: (received) => {
        publisher.lane.received += received;
      },
    });
    await cast.inTime(client.subscribe([topic], qos), `${name}: SUBACK`);
    sources.push({ publisher, stream, share: share / count, isQos0: qos === 0 });
  }
  return sources;
}

/** Several publishers at QoS 1, and subscribers that get all of them through filters with wildcards. */
async function openWildcard(cast: Cast, sizes: Sizes): Promise<readonly Source[]> {
  const { wildcardPublishers: count, wildcardSubscribers } = sizes;
  const receivers: Receiver[] = [];
  for (let index = 0; index < wildcardSubscribers; index++) {
    const name = `wildcard-${index}`;
    const receiver = cast.receiver(name);
    receivers.push(receiver);
    const options = { version: versionOf(index), isTimed: true };
    const client = await cast.subscriber(`${name}-sub`, receiver, options);
    const filter = cast.topic(index % 2 === 0 ? 'wildcard/+/t' : 'wildcard/#');
    await cast.inTime(client.subscribe([filter], 1), `${name}: SUBACK`);
  }
  const sources: Source[] = [];
  for (let index = 0; index < count; index++) {
    const topic = cast.topic(`wildcard/${index}/t`);
    const name = `wildcard-${index}-pub`;
    const { stream, publisher } = await cast.publisher(name, topic, 1, versionOf(index));
    for (const receiver of receivers) receiver.expectAll(stream);
    sources.push({ publisher, share: SHARES.wildcard / count, isQos0: false });
  }
  return sources;
}

async function openShared(cast: Cast, sizes: Sizes, filter: string) {
  const { sharedPublishers: count, sharedMembers } = sizes;
  const sources: Source[] = [];
  const pools: Pool[] = [];
  for (let index = 0; index < count; index++) {
    const topic = cast.topic(`shared/${index}`);
    const name = `shared-${index}-pub`;
    const { stream, publisher } = await cast.publisher(name, topic, 1, versionOf(index));
    pools.push(new Pool(stream));
    sources.push({ publisher, share: SHARES.shared / count, isQos0: false });
  }
  for (let index = 0; index < sharedMembers; index++) {
    const receiver = cast.receiver(`shared-${index}`);
    for (const pool of pools) receiver.expectShare(pool);
    const options = { version: versionOf(index), isTimed: true };
    const client = await cast.subscriber(`shared-${index}-sub`, receiver, options);
    await cast.inTime(client.subscribe([filter], 1), `shared-${index}: SUBACK`);
  }
  return { sources, pools };
}
