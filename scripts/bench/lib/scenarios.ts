/** What is measured: a name for people, and the arguments of the load generator. */
export interface CompareScenario {
  readonly name: string;
  readonly args: readonly string[];
  /** A part of the quick form. */
  readonly isQuick?: boolean;
  /** Takes its own time, not `--seconds`. */
  readonly isTimed?: boolean;
  /** At most. */
  readonly runs?: number;
  /** With PromptMQ alone. */
  readonly isOwn?: boolean;
  /** An fdatasync in the broker's folder is measured as well. */
  readonly measuresSync?: boolean;
}

/**
 * What `node scripts bench/compare` measures.
 *
 * Where a subscriber's window would set the pace, it is MQTT 5 with a Receive Maximum of 65,535: 3.1.1 has
 * no way to say so, and brokers then keep to 20 or so messages under way.
 */
export const SCENARIOS: readonly CompareScenario[] = [
  { name: 'QoS 0, one pair', args: ['pairs', '--pairs', '1'], isQuick: true },
  { name: 'QoS 0, 50 publishers to 1 subscriber', args: ['fan-in'] },
  { name: 'QoS 0, 1 publisher to 100 subscribers', args: ['fan-out'], isQuick: true },
  { name: 'QoS 0, 50 pairs', args: ['pairs'], isQuick: true },
  { name: 'QoS 0, 50 pairs, 1 KB', args: ['pairs', '--size', '1024'] },
  { name: 'QoS 0, 50 pairs, 1,000 topics shuffled', args: ['topics'], isQuick: true },
  {
    name: 'QoS 0, 50 pairs, among 100,000 wildcard subscriptions',
    args: ['pairs', '--other-subscriptions', '100000'],
    runs: 3,
  },
  { name: 'QoS 0, shared subscription, 10 to 10', args: ['shared'] },
  { name: 'QoS 1, 50 pairs, window 100', args: ['pairs', '--qos', '1'], isQuick: true },
  { name: 'QoS 2, 50 pairs, window 100', args: ['pairs', '--qos', '2'], isQuick: true },
  { name: 'QoS 1, persistent sessions, 50 pairs, window 100', args: ['persistent'], isQuick: true },
  { name: 'MQTT 5, QoS 0, 50 pairs, no properties', args: ['pairs', '--protocol', '5'] },
  {
    name: 'MQTT 5, QoS 0, 50 pairs, user properties, expiry, aliases, identifiers',
    args: ['pairs', '--protocol', '5', ...properties()],
    isOwn: true,
  },
  {
    name: 'MQTT 5, QoS 1, 50 pairs, no properties',
    args: ['pairs', '--protocol', '5', '--qos', '1'],
  },
  {
    name: 'MQTT 5, QoS 1, 50 pairs, user properties, expiry, aliases, identifiers',
    args: ['pairs', '--protocol', '5', '--qos', '1', ...properties()],
  },
  {
    name: 'QoS 0, 50 pairs, 10,000 messages a second',
    args: ['pairs', '--rate', '10000'],
    isQuick: true,
  },
  {
    name: 'QoS 1, 50 pairs, 10,000 messages a second',
    args: ['pairs', '--rate', '10000', '--qos', '1'],
  },
  {
    name: 'QoS 0, 49 pairs at 100 messages a second each, one floods',
    args: ['fairness'],
    isQuick: true,
  },
  {
    name: 'QoS 1, persistent session, one pair, window 1',
    args: ['persistent', '--pairs', '1', '--window', '1'],
    isOwn: true,
    measuresSync: true,
    isQuick: true,
  },
  { name: '100,000 retained, QoS 0', args: ['retained'], runs: 3 },
  {
    name: '100,000 retained, MQTT 5, QoS 1',
    args: ['retained', '--qos', '1', '--protocol', '5'],
    isQuick: true,
    runs: 3,
  },
  {
    name: 'offline queue of 50,000, MQTT 5, QoS 1',
    args: ['offline', '--protocol', '5'],
    isQuick: true,
    runs: 3,
  },
  {
    name: 'offline queue of 50,000, MQTT 3.1.1, QoS 1',
    args: ['offline'],
    runs: 3,
  },
  {
    name: 'offline queue of 1,000,000 from 100 publishers, MQTT 5, QoS 1',
    args: ['offline', '--protocol', '5', '--publishers', '100', '--messages', '1000000'],
    isOwn: true,
    runs: 3,
  },
  {
    name: '10,000 idle connections',
    args: ['idle', '--seconds', '1'],
    isQuick: true,
    isTimed: true,
    runs: 3,
  },
  { name: 'connects, 50 side by side', args: ['connect'], runs: 3 },
];

function properties(): string[] {
  const options = ['--user-properties', '2', '--expiry', '3600', '--aliases'];
  return [...options, '--subscription-identifiers'];
}
