import type { CommandModule } from 'yargs';
import { clock } from '../history/why/words.ts';
import { askBroker, printLine } from './ask-broker.ts';
import { addConfigOptions } from './options.ts';

/** What `GET /api/v5/why` answers, as far as it is printed. */
interface Answer {
  readonly from: number;
  readonly to: number;
  readonly cause: Cause;
  readonly also: readonly Cause[];
  readonly unknown: readonly string[];
}

interface Cause {
  readonly text: string;
  readonly evidence: readonly { readonly ts: number; readonly text: string }[];
}

/** `promptmq why --client ID --topic TOPIC`: exit code 3 when no broker runs. */
export const whyCommand: CommandModule = {
  command: 'why',
  describe: 'why a client did not get what was published to a topic',
  builder: (args) =>
    addConfigOptions(
      args
        .option('client', {
          describe: 'client identifier',
          type: 'string',
          demandOption: true,
          requiresArg: true,
        })
        .option('topic', {
          describe: 'topic name',
          type: 'string',
          demandOption: true,
          requiresArg: true,
        })
        .option('at', {
          describe:
            'when: 10:42 for that minute, 10:42:07 or 2026-11-30T10:42:07Z for about then; by default within the last hour',
          type: 'string',
          requiresArg: true,
        })
        .option('since', {
          describe: 'from how long ago until now, such as 5m; in the place of --at',
          type: 'string',
          requiresArg: true,
        })
        .option('json', { describe: 'one JSON document', boolean: true, default: false }),
    ),
  handler: async (args) => {
    const answer = (await askBroker(args, 'GET', '/api/v5/why', {
      clientid: `${args['client']}`,
      topic: `${args['topic']}`,
      at: args['at'] as string | undefined,
      since: args['since'] as string | undefined,
    })) as Answer | null;
    if (answer === null) return;
    if (args['json'] === true) {
      await printLine(JSON.stringify(answer));
      return;
    }
    for (const line of linesOf(answer, Date.now())) await printLine(line);
  },
};

function* linesOf({ cause, also, unknown }: Answer, now: number): Generator<string> {
  yield* causeLines(cause, now);
  if (also.length > 0) yield 'Also:';
  for (const other of also) yield* causeLines(other, now);
  for (const text of unknown) yield `Not known: ${text}`;
}

function* causeLines({ text, evidence }: Cause, now: number): Generator<string> {
  yield text;
  for (const entry of evidence) yield `  ${clock(entry.ts, now)}  ${entry.text}`;
}
