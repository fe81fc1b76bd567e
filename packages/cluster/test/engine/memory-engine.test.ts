import { nodeClock } from '@promptmq/wal';
import { Random } from '@promptmq/wal/testing';
import { MemoryServers } from '../../src/engine/memory-engine.ts';
import { describeEngine } from '../support/engine-contract.ts';

describeEngine('the engine in memory', async () => {
  const servers = new MemoryServers({ clock: nodeClock, random: new Random(1) });
  const [one, other] = [servers.client(), servers.client()];
  return { one, other, close: async () => {} };
});
