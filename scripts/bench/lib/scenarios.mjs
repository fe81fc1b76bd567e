/**
 * What `compare.mjs` measures: a name for people, and the arguments of the load generator. In the quick
 * form, those that are marked.
 */
export const SCENARIOS = [
  { name: 'QoS 0, one pair', args: ['pairs', '--pairs', '1'], isQuick: true },
  { name: 'QoS 0, 50 publishers to 1 subscriber', args: ['fan-in'] },
  { name: 'QoS 0, 1 publisher to 100 subscribers', args: ['fan-out'], isQuick: true },
  { name: 'QoS 0, 50 pairs', args: ['pairs'], isQuick: true },
  { name: 'QoS 0, 50 pairs, 1 KB', args: ['pairs', '--size', '1024'] },
  { name: 'QoS 0, 50 pairs, 1,000 topics shuffled', args: ['topics'], isQuick: true },
  {
    name: 'QoS 0, 50 pairs, among 100,000 wildcard subscriptions',
    args: ['pairs', '--other-subscriptions', '100000'],
  },
  { name: 'QoS 0, shared subscription, 10 to 10', args: ['shared'] },
  { name: 'QoS 1, 50 pairs, window 100', args: ['pairs', '--qos', '1'], isQuick: true },
  { name: 'QoS 2, 50 pairs, window 100', args: ['pairs', '--qos', '2'], isQuick: true },
  { name: 'QoS 1, persistent sessions, 50 pairs, window 100', args: ['persistent'], isQuick: true },
  { name: 'MQTT 5, QoS 0, 50 pairs', args: ['pairs', '--protocol', '5'] },
  { name: 'MQTT 5, QoS 1, 50 pairs', args: ['pairs', '--protocol', '5', '--qos', '1'] },
  {
    name: 'MQTT 5, QoS 1, 50 pairs, two user properties, expiry, aliases, identifiers',
    args: [
      ...['pairs', '--protocol', '5', '--qos', '1', '--user-properties', '2', '--expiry', '3600'],
      ...['--aliases', '--subscription-identifiers'],
    ],
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
  { name: '100,000 retained, QoS 0', args: ['retained'] },
  { name: '100,000 retained, QoS 1', args: ['retained', '--qos', '1'], isQuick: true },
  { name: 'offline queue of 50,000, QoS 1', args: ['offline'], isQuick: true },
  {
    name: '10,000 idle connections',
    args: ['idle', '--seconds', '1'],
    isQuick: true,
    isTimed: true,
  },
  { name: 'connects, 50 side by side', args: ['connect'] },
];
