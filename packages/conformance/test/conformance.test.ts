import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { allCases, type OwnBroker, runOwnCase, untested } from '../src/index.ts';
import { startOwn } from './support/own-broker.ts';

let broker: OwnBroker;

beforeAll(async () => {
  broker = await startOwn({});
});

afterAll(() => broker.stop());

describe('conformance', () => {
  for (const [index, one] of allCases.entries()) {
    const standard = { 3: 'MQTT 3.1', 4: '3.1.1', 5: 'MQTT 5' }[one.version];
    const title = `${standard}: ${one.title} [${one.rules.join('] [')}]`;
    test.concurrent(title, () => runOwnCase(one, broker, startOwn, `case${index}x${process.pid}`));
  }
});

test('titles are unique, and every statement for servers has a case', () => {
  expect(new Set(allCases.map(({ title }) => title)).size).toBe(allCases.length);
  expect(untested(allCases)).toEqual({ v5: [], v311: [] });
});
