import { expect, test } from '@jest/globals';
import { referenceAmong } from '../../src/cluster/front/server-reference.ts';

test('clients are sent to a listener of the protocol by which they came, if others can reach it', () => {
  const urls = ['mqtt://localhost:1883', 'mqtt://10.0.0.2:1884', 'wss://[fd00::2]:443/mqtt'];
  expect(referenceAmong(urls, 'tcp')).toBe('10.0.0.2:1884');
  expect(referenceAmong(urls, 'websocket-tls')).toBe('[fd00::2]:443');
  expect(referenceAmong(urls, 'tls')).toBeNull();
  expect(referenceAmong(['mqtt://localhost:1883'], 'tcp')).toBeNull();
  expect(referenceAmong([`mqtt://${'x'.repeat(100)}:1883`], 'tcp')).toBeNull();
});
