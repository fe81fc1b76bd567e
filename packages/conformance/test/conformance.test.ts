import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RunningBroker } from '@promptmq/server';
import {
  allCases,
  isApplicable,
  type PeerResults,
  report,
  runCase,
  startOwn,
  type Target,
  targetOf,
  untested,
} from '../src/index.ts';

/** `MQTT_TARGET=host:port` and `MQTT_TARGET_WS=ws://…` test another broker; else one is started. */
const { MQTT_TARGET: address, MQTT_TARGET_WS: wsUrl } = process.env;

const other: Target | null =
  address === undefined
    ? null
    : {
        host: address.slice(0, address.lastIndexOf(':')),
        port: Number(address.slice(address.lastIndexOf(':') + 1)),
        wsUrl: wsUrl ?? null,
      };

let broker: RunningBroker | null = null;
let target: Target;

beforeAll(async () => {
  if (other === null) broker = await startOwn();
  target = other ?? targetOf(broker as RunningBroker);
});

afterAll(() => broker?.stop());

describe('conformance', () => {
  for (const [index, one] of allCases.entries()) {
    const standard = { 3: 'MQTT 3.1', 4: '3.1.1', 5: 'MQTT 5' }[one.version];
    const title = `${standard}: ${one.title} [${one.rules.join('] [')}]`;
    const declare = isApplicable(one, other) ? test.concurrent : test.skip;
    declare(title, () => runCase(one, target, `case${index}x${process.pid}`), 30_000);
  }
});

describe('the page about it', () => {
  const root = join(import.meta.dirname, '../../..');

  test('titles are unique, and every statement for servers has a case', () => {
    expect(new Set(allCases.map(({ title }) => title)).size).toBe(allCases.length);
    expect(untested(allCases)).toEqual({ v5: [], v311: [] });
  });

  test('docs/conformance.md is what `node scripts generate conformance` makes of passing cases', () => {
    const peerText = readFileSync(join(root, 'packages/conformance/peer.json'), 'utf8');
    const passing = allCases.map(({ title }) => ({ title, failure: null }));
    const expected = report(allCases, passing, JSON.parse(peerText) as PeerResults);
    expect(readFileSync(join(root, 'docs/conformance.md'), 'utf8')).toBe(expected);
  });
});
