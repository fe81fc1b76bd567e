/**
 * A broker for the crash harness: it serves like any other until it comes to a chosen point, where it
 * kills its own process with SIGKILL. The harness talks to it over the channel of `fork`:
 *
 *   { start: { options, small, point } }   serve with these options; answered by { url, recoveryMs }
 *   { ping }                        answered by the same: it was alive when it got this
 *
 * It is started ahead of time, so that one is at hand when another has been killed.
 */
import { join } from 'node:path';
import { parseConfig } from '../../packages/server/dist/config/index.js';
import { startBroker } from '../../packages/server/dist/embed/create-broker.js';
import type { Logger } from '../../packages/server/dist/log/index.js';
import type { BrokerConfig, KillPoint } from '../../packages/server/test/crash/broker-process.ts';
import { LmdbIndex, nodeFiles } from '../../packages/wal/dist/index.js';
import { dyingFiles, dyingIndex, Fuse } from './dying-files.ts';

process.on('disconnect', () => process.exit());
process.on('message', async (message: ToBroker) => {
  if ('ping' in message) send(message);
  else if ('start' in message) await start(message.start);
});
send({ ready: true });

interface Start extends BrokerConfig {
  readonly point: KillPoint | null;
}

type ToBroker = { readonly ping: number } | { readonly start: Start };

function send(message: object): void {
  process.send?.(message);
}

async function start({ options, small, point }: Start): Promise<void> {
  const fuse = new Fuse(point);
  const startedAt = performance.now();
  const config = parseConfig(options);
  // Smaller than a configuration may have it: so that all that happens to a log does.
  Object.assign(config.storage.wal, small.wal);
  Object.assign(config.storage.compaction, small.compaction);
  const broker = await startBroker(config, {
    logger: loggerOf(fuse),
    storage: {
      files: dyingFiles(nodeFiles, fuse),
      index: dyingIndex(new LmdbIndex(join(config.storage.dataDir, 'index')), fuse),
    },
  });
  fuse.phase = 'serving';
  send({ url: broker.url, recoveryMs: performance.now() - startedAt });
}

/** Takes from the events of the broker what it is doing, and passes errors on. */
function loggerOf(fuse: Fuse): Logger {
  const report = (event: string, fields?: object) => send({ error: event, fields });
  const follow = (event: string) => {
    if (event === 'storage-compacting') fuse.phase = 'compaction';
    else if (event === 'storage-compacted') fuse.phase = 'serving';
  };
  // A process that is killed damages nothing: what is set aside has been written wrongly.
  const warn = (event: string, fields?: object) =>
    event === 'storage-quarantined' ? report(event, fields) : follow(event);
  return { trace: follow, debug: follow, info: follow, warn, error: report, fatal: report };
}
