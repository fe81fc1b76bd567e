import yargs from 'yargs';
import { single, text, texts, UsageError } from '../../command/command-line.ts';

/** What holds where the command line says nothing. */
export const DEFAULTS = { connectTimeoutS: 30, canaryMaxMs: 1000, growthMaxMb: 300 } as const;

/** The options of `hostile`, with their checks and help. */
export function hostileCommandLine(args: readonly string[], scriptName: string) {
  return yargs([...args])
    .scriptName(scriptName)
    .usage(
      '$0 hostile --target ADDRESS [options]\n\n' +
        'Attacks an MQTT broker in the ways in which brokers have failed, and says what held. Meanwhile a client that does\n' +
        'nothing wrong, the canary, sends itself messages at QoS 1: its longest round trip stands in the report, and the\n' +
        "broker's memory where its process is known. Use a broker of your own, for tests: it may not survive.",
    )
    .options({
      target: text('target', 'Broker:', 'HOST:PORT, or mqtt or mqtts://HOST[:PORT]'),
      ws: {
        ...text('ws', 'Broker:', 'its WebSocket: ws or wss://HOST:PORT/PATH'),
        alias: 'ws-target',
      },
      tls: { ...text('tls', 'Broker:', 'its port with TLS: HOST:PORT'), alias: 'tls-target' },
      ca: text('ca', 'Broker:', 'a certificate authority to trust, a PEM file'),
      insecure: {
        group: 'Broker:',
        describe: 'take any certificate',
        type: 'boolean',
        default: false,
      },
      pid: number('pid', 'Broker:', 'of its process, on this machine: for its memory'),
      'connect-timeout': number(
        'connect-timeout',
        'Broker:',
        'seconds after which it has to close who has not come to CONNACK',
        DEFAULTS.connectTimeoutS,
      ),
      username: {
        ...text('username', 'Users:', 'a user who may do everything'),
        alias: 'user',
      },
      password: text('password', 'Users:', 'the password that goes with it'),
      'other-username': {
        ...text(
          'other-username',
          'Users:',
          'a user who may use topics below --open, and own/CLIENT-ID',
        ),
        alias: 'other-user',
      },
      'other-password': text('other-password', 'Users:', 'the password that goes with it'),
      open: {
        ...text('open', 'Users:', 'first level of topics that both may use'),
        default: 'open',
      },
      closed: {
        ...text('closed', 'Users:', 'first level of topics that only the first may use'),
        default: 'closed',
      },
      only: texts('Cases:', 'those whose title or area has this text; may be repeated'),
      except: texts('Cases:', 'not those whose title or area has this text; may be repeated'),
      list: {
        group: 'Cases:',
        describe: 'list them instead of running them',
        type: 'boolean',
        default: false,
      },
      'canary-max': number(
        'canary-max',
        'Cases:',
        'milliseconds after which a round trip of the canary fails the case',
        DEFAULTS.canaryMaxMs,
      ),
      'growth-max': number(
        'growth-max',
        'Cases:',
        'megabytes of growth of its memory that fail the case',
        DEFAULTS.growthMaxMb,
      ),
      json: {
        group: 'Output:',
        describe: 'the report as JSON to the standard output',
        type: 'boolean',
        default: false,
      },
      report: texts('Output:', 'write a report to this file, .md or .json; may be repeated'),
    } as const)
    .epilogue(
      'It exits with 0, with 1 when a case failed, and with 2 when it was called wrongly or the target\ncan’t be used.',
    )
    .parserConfiguration({ 'boolean-negation': false, 'camel-case-expansion': false })
    .strict()
    .exitProcess(false)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(100, process.stdout.columns ?? 100));
}

function number(name: string, group: string, describe: string, byDefault?: number) {
  return {
    group,
    describe: byDefault === undefined ? describe : `${describe} (${byDefault})`,
    type: 'string',
    requiresArg: true,
    coerce: (given: string | string[] | undefined): number | undefined => {
      const value = single(name, given);
      if (value === undefined) return undefined;
      if (/^\d{1,9}$/.test(value) && Number(value) > 0) return Number(value);
      throw new UsageError(`--${name}: "${value}" is not a whole number from 1 to 999999999`);
    },
  } as const;
}
