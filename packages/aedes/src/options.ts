import type { ConfigInput } from '@promptmq/server';
import type { Limits } from './host.ts';
import type { AedesOptions } from './types.ts';

/** Names a folder: what outlives the process is kept there, also where a program can't pass options. */
export const FOLDER_VARIABLE = 'AEDES_DATA_DIR';

const REPLACED = {
  mq: '`mq` has no equivalent: a broker of PromptMQ is one process, which passes messages on itself',
  persistence:
    '`persistence` is replaced by `promptmq.storage`, such as { enabled: true, dataDir: "data" }, ' +
    `or by a folder in the environment variable ${FOLDER_VARIABLE}`,
};

const DEFAULTS: Limits = {
  concurrency: 100,
  heartbeatInterval: 60_000,
  connectTimeout: 30_000,
  drainTimeout: 60_000,
  keepaliveLimit: 0,
  queueLimit: 42,
  maxInflightInbound: 1000,
  maxClientsIdLength: 23,
  maxTopicLevels: 100,
};

/** Options of which aedes says that another value is as if there was none, by what isn't another value. */
const FALL_BACK: Partial<Record<keyof Limits, (value: unknown) => boolean>> = {
  maxInflightInbound: (value) => Number.isInteger(value) && (value as number) >= 0,
  maxTopicLevels: (value) => typeof value === 'number' && !Number.isNaN(value),
};

/** The levels that a topic may have at most, whatever the option says. */
const TOPIC_LEVELS_MAX = 100;

/**
 * The limits, with their defaults.
 *
 * @throws {TypeError} for `mq` and `persistence`, and for what is no number of 0 or more, other than where `FALL_BACK` has it
 */
export function limitsOf(options: AedesOptions): Limits {
  for (const [name, why] of Object.entries(REPLACED)) {
    if ((options as Record<string, unknown>)[name] !== undefined) throw new TypeError(why);
  }
  const limits = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof Limits)[]) {
    const value: unknown = options[name];
    if (value === undefined || value === null) continue;
    if (name in FALL_BACK && !FALL_BACK[name]?.(value)) continue;
    if (typeof value !== 'number' || !(value >= 0 || name === 'maxTopicLevels')) {
      throw new TypeError(`\`${name}\` is a number, 0 or more, not ${String(value)}`);
    }
    limits[name] = value;
  }
  limits.maxTopicLevels = Math.min(Math.max(limits.maxTopicLevels, 1), TOPIC_LEVELS_MAX);
  return limits;
}

/**
 * The configuration of the broker within. It doesn't listen: streams come by `handle`. What it keeps alive is done here, by the
 * packets of clients, and its own topics below `$SYS` are off: aedes has others.
 */
export function configOf(options: AedesOptions, folder: string | undefined): ConfigInput {
  const given = options.promptmq ?? {};
  const storage = folder ? { enabled: true, dataDir: folder } : { enabled: false };
  return {
    ...given,
    server: { bind: 'none', wsBind: 'none', ...given.server },
    storage: given.storage ?? storage,
    metrics: { enabled: false, sysInterval: 0, ...given.metrics },
  };
}
