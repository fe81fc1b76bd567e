import type { operations } from '@promptmq/admin/types';
import type { CommandModule } from 'yargs';
import { quoted } from '../log/index.ts';
import { qosOf } from './acl-command.ts';
import { dataOf, printLine, withBroker } from './ask-broker.ts';
import { addConfigOptions } from './options.ts';

/** As the API has it. */
type Explanation = operations['explainPublish']['responses'][200]['content']['application/json'];

type Recipient = Explanation['recipients'][number];

/** `promptmq explain publish TOPIC`: exit code 3 when no broker runs. */
export const explainCommand: CommandModule = {
  command: 'explain',
  describe: 'what the running broker would do, and why',
  builder: (args) => args.command(publish).demandCommand(1),
  handler: () => {},
};

const publish: CommandModule = {
  command: 'publish <topic>',
  describe:
    'who would get a message now, at which QoS, and who not and why; nothing is published. Exit code 1 when the rules deny it to its publisher',
  builder: (args) =>
    addConfigOptions(
      args
        .positional('topic', { describe: 'topic name', type: 'string' })
        .option('qos', {
          describe: 'QoS of the message: 0 (by default), 1 or 2',
          type: 'string',
          requiresArg: true,
        })
        .option('retain', { describe: 'a retained message', boolean: true, default: false })
        .option('from', {
          describe:
            'client identifier of who would publish it; by default nobody whom rules hold for',
          type: 'string',
          requiresArg: true,
        })
        .option('json', { describe: 'one JSON document', boolean: true, default: false }),
    ),
  handler: async (args) => {
    const from = args['from'] as string | undefined;
    const query = {
      topic: `${args['topic']}`,
      qos: qosOf(args['qos']),
      retain: args['retain'] === true ? 'true' : 'false',
      ...(from === undefined ? {} : { from }),
    } as const;
    const answer = await withBroker(args, (admin) =>
      dataOf(admin.GET('/explain', { params: { query } })),
    );
    if (answer === null) return;
    if (answer.publisher?.allowed === false) process.exitCode = 1;
    if (args['json'] === true) {
      await printLine(JSON.stringify(answer));
      return;
    }
    for (const line of linesOf(answer)) await printLine(line);
  },
};

function* linesOf({ publisher, recipients, count }: Explanation): Generator<string> {
  if (publisher !== null) {
    const { clientid, connected, allowed, rule } = publisher;
    const may = allowed ? 'may publish it' : 'may not publish it';
    const why = rule ?? (allowed ? null : 'no rule matches (auth.acl-default)');
    // What holds of a connection, such as its user and address, isn't known then.
    const of = connected ? '' : '; it is not connected';
    yield `${quoted(clientid)} ${may}${why === null ? '' : `: ${why}`}${of}`;
    if (!allowed) return;
  }
  if (count === 0) yield 'no subscription matches';
  for (const recipient of recipients) yield recipientText(recipient);
  if (count > recipients.length) yield `and ${count - recipients.length} more`;
}

/** `"dev-1" gets it at QoS 1, by "a/#"`. */
function recipientText({ clientid, filters, outcome, qos, retain, why, rule }: Recipient): string {
  const by = filters.map(quoted).join(', ');
  const reason = why === null ? '' : WHY[why];
  const named = rule === null ? '' : ` (${rule})`;
  const terms = `at QoS ${qos}${retain === true ? ', as retained' : ''}`;
  switch (outcome) {
    case 'sent':
      return `${quoted(clientid)} gets it ${terms}, by ${by}${why === null ? '' : `: ${reason}`}`;
    case 'queued':
      return `${quoted(clientid)} gets it later ${terms}, by ${by}: ${reason}`;
    case 'nothing':
      return `${quoted(clientid)} does not get it, by ${by}: ${reason}${named}`;
  }
}

const WHY: Readonly<Record<NonNullable<Recipient['why']>, string>> = {
  offline: 'it is not connected',
  behind: 'other messages wait before it, or for their acknowledgements',
  'queue-full': 'its queue is full: this message or an older one is dropped',
  'no-local': 'it publishes it itself, and has subscribed with No Local',
  denied: 'the rules deny it',
  'not-chosen': 'another member of the shared subscription gets it',
  'one-of-several': 'unless a member in another worker does, of the same shared subscription',
};
