import type { operations } from '@promptmq/admin/types';
import type { CommandModule } from 'yargs';
import { clock } from '../history/why/words.ts';
import { dataOf, printLine, withBroker } from './ask-broker.ts';
import { addConfigOptions } from './options.ts';

/** As the API has it. */
type Answer = operations['explainDelivery']['responses'][200]['content']['application/json'];

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
    const { at, since } = args as { at?: string; since?: string };
    const query = {
      clientid: `${args['client']}`,
      topic: `${args['topic']}`,
      ...(at === undefined ? {} : { at }),
      ...(since === undefined ? {} : { since }),
    };
    const answer = await withBroker(args, (admin) =>
      dataOf(admin.GET('/why', { params: { query } })),
    );
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

function* causeLines({ text, evidence }: Answer['cause'], now: number): Generator<string> {
  yield text;
  for (const entry of evidence) yield `  ${clock(entry.ts, now)}  ${entry.text}`;
}
