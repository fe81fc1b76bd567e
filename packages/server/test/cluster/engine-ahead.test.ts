import { beforeEach, expect, test } from '@jest/globals';
import { type ClusterEngine, EngineError, type EngineFacts } from '@promptmq/cluster';
import { EngineAhead } from '../../src/cluster/cell/engine-ahead.ts';
import { parseConfig } from '../../src/config/index.ts';

const FACTS: EngineFacts = {
  name: 'played',
  version: '1',
  replicas: 3,
  syncsBeforeAck: true,
  appendBytesMax: 1 << 20,
};

const config = parseConfig({ cluster: { engineUrl: ['nats://one:4222'] } });

/** What was done with the engine. */
let done: string[];
let isThere: boolean;

beforeEach(() => {
  done = [];
  isThere = true;
});

function make(): ClusterEngine {
  const engine: Pick<ClusterEngine, 'connect' | 'close'> = {
    connect: async () => {
      done.push('connect');
      if (!isThere) throw new EngineError('unavailable', 'nobody there');
      return FACTS;
    },
    close: async () => void done.push('close'),
  };
  return engine as ClusterEngine;
}

test('a process that waits for its work is connected to the engine by then', async () => {
  const ahead = new EngineAhead(config, make);
  expect(done).toEqual(['connect']);
  expect((await ahead.take(config))?.facts).toBe(FACTS);
  expect(done).toEqual(['connect']);
});

test('not where the engine could not be reached, nor where the configuration names another one since', async () => {
  isThere = false;
  expect(await new EngineAhead(config, make).take(config)).toBeNull();
  isThere = true;
  const other = parseConfig({ cluster: { engineUrl: ['nats://two:4222'] } });
  expect(await new EngineAhead(config, make).take(other)).toBeNull();
  await new EngineAhead(config, make).close();
  expect(done).toEqual(['connect', 'close', 'connect', 'close', 'connect', 'close']);
});
