import yargs from 'yargs';
import { PATTERN_NAMES, PATTERNS } from '../scenario.ts';

/** The command was called wrongly. */
export class UsageError extends Error {}

/** The options, with their checks and help; `_` holds the patterns. */
export function commandLine(args: readonly string[], scriptName: string) {
  const list = PATTERN_NAMES.map((name) => `  ${name.padEnd(11)}${PATTERNS[name]}`).join('\n');
  return yargs([...args])
    .scriptName(scriptName)
    .usage(`$0 [patterns..] [options]\n\nMeasures an MQTT broker. Patterns, or all:\n${list}`)
    .options({
      url: text(
        'url',
        'Broker:',
        'mqtt, mqtts, ws or wss://HOST[:PORT][/PATH]',
        'mqtt://127.0.0.1:1883',
      ),
      'subscriber-url': text(
        'subscriber-url',
        'Broker:',
        'where subscribers connect instead: another node of its cluster',
      ),
      ca: text('ca', 'Broker:', 'a certificate authority to trust, a PEM file'),
      insecure: flag('Broker:', 'take any certificate'),
      username: text('username', 'Broker:', 'user name of all connections'),
      password: text('password', 'Broker:', 'password of all connections'),
      'broker-pid': whole(
        'broker-pid',
        'Broker:',
        'its process on this machine: shows CPU and memory',
        1,
        2 ** 31,
      ),
      pairs: whole('pairs', 'Load:', 'publishers and as many subscribers', 1, 100_000),
      publishers: whole('publishers', 'Load:', 'publishers', 1, 100_000),
      subscribers: whole('subscribers', 'Load:', 'subscribers', 1, 100_000),
      topics: whole('topics', 'Load:', 'topics in all, of wildcard and topics', 1, 10_000_000),
      connections: whole(
        'connections',
        'Load:',
        'connections of idle, or side by side of connect',
        1,
        1_000_000,
      ),
      messages: whole(
        'messages',
        'Load:',
        'this number of messages, instead of a time',
        1,
        1_000_000_000,
      ),
      qos: whole('qos', 'Load:', 'of messages and subscriptions: 0, 1 or 2', 0, 2),
      size: whole('size', 'Load:', 'bytes of a payload', 0, 268_000_000),
      window: whole(
        'window',
        'Load:',
        'QoS 1 and 2: unacknowledged messages of a publisher',
        1,
        32_767,
      ),
      flight: whole('flight', 'Load:', 'QoS 0: bytes on their way on each topic', 1, 2 ** 31),
      rate: whole(
        'rate',
        'Load:',
        'messages a second of all publishers; else as fast as possible',
        1,
        1e8,
      ),
      protocol: whole('protocol', 'Protocol:', '4 for MQTT 3.1.1, 5 for MQTT 5', 4, 5),
      'user-properties': whole(
        'user-properties',
        'Protocol:',
        'user properties of a message',
        0,
        32,
      ),
      expiry: whole('expiry', 'Protocol:', 'message expiry interval, in seconds', 0, 2 ** 32 - 1),
      aliases: flag('Protocol:', 'publish by topic alias'),
      'subscription-identifiers': flag('Protocol:', 'subscribe with an identifier'),
      'other-subscriptions': whole(
        'other-subscriptions',
        'Load:',
        'subscriptions of others that match nothing',
        0,
        1e7,
      ),
      sources: whole(
        'sources',
        'Load:',
        'local addresses 127.0.0.1 and on; else as needed',
        1,
        1000,
      ),
      prefix: text('prefix', 'Load:', 'of topics and client identifiers; else made up'),
      warmup: seconds('warmup', 'Time:', 'seconds before the measurement'),
      seconds: seconds('seconds', 'Time:', 'seconds of the measurement'),
      drain: seconds('drain', 'Time:', 'seconds of silence after which what is missing is lost'),
      json: text('json', 'Output:', 'write the results to this file; - for the standard output'),
      svg: text('svg', 'Output:', 'write plots to this directory'),
      'fail-on-loss': flag('Output:', 'exit with 1 when a message was lost or refused'),
    } as const)
    .strictOptions()
    .exitProcess(false)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(100, process.stdout.columns ?? 100));
}

function text<D extends string | undefined = undefined>(
  name: string,
  group: string,
  describe: string,
  value?: D,
) {
  return {
    group,
    describe,
    type: 'string',
    requiresArg: true,
    default: value as D,
    coerce: (given: string | string[] | undefined) =>
      single(name, given) as D extends string ? string : string | undefined,
  } as const;
}

function flag(group: string, describe: string) {
  return { group, describe, type: 'boolean', default: false } as const;
}

function whole(name: string, group: string, describe: string, minimum: number, maximum: number) {
  const check = (given: string | string[] | undefined) => {
    const value = single(name, given);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= minimum && number <= maximum) return number;
    throw new UsageError(
      `--${name}: "${value}" is not a whole number from ${minimum} to ${maximum}`,
    );
  };
  return { group, describe, type: 'string', requiresArg: true, coerce: check } as const;
}

function seconds(name: string, group: string, describe: string) {
  const check = (given: string | string[] | undefined) => {
    const value = single(name, given);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (/^\d*\.?\d+$/.test(value) && number <= 86_400) return number;
    throw new UsageError(`--${name}: "${value}" is not a number from 0 to 86400`);
  };
  return { group, describe, type: 'string', requiresArg: true, coerce: check } as const;
}

/** An option that is given twice is a mistake, and not the last one meant. */
function single(name: string, given: string | string[] | undefined): string | undefined {
  if (!Array.isArray(given)) return given;
  throw new UsageError(`--${name} is given more than once: ${given.join(', ')}`);
}
