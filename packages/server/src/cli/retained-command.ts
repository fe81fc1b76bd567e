import type { CommandModule } from 'yargs';
import type { ShownMessage } from '../admin/index.ts';
import { fieldsText, quoted } from '../log/index.ts';
import { addListOptions, askBroker, printLine, printPages } from './ask-broker.ts';
import { addConfigOptions } from './options.ts';

interface Page {
  readonly messages: readonly ShownMessage[];
  readonly cursor: string | null;
}

/** `promptmq retained list|show|clear`: exit code 3 when no broker runs. */
export const retainedCommand: CommandModule = {
  command: 'retained',
  describe: 'list, show and clear the retained messages of the running broker',
  builder: (args) => args.command(list).command(show).command(clear).demandCommand(1),
  handler: () => {},
};

const FILTER = { describe: 'topic filter, such as "devices/#"', type: 'string' } as const;

const list: CommandModule = {
  command: 'list <filter>',
  describe: 'a line for each message whose topic matches, without payloads; with them in JSON',
  builder: (args) => addConfigOptions(addListOptions(args.positional('filter', FILTER))),
  handler: async (args) => {
    const filter = `${args['filter']}`;
    await printPages(
      args,
      '/retained/match',
      { filter },
      ({ messages }: Page) => messages,
      messageText,
    );
  },
};

const show: CommandModule = {
  command: 'show <topic>',
  describe: 'the payload of one message as it is; exit code 1 when there is none',
  builder: (args) =>
    addConfigOptions(
      args
        .positional('topic', { describe: 'topic name', type: 'string' })
        .option('json', { describe: 'all of it, as JSON', boolean: true, default: false }),
    ),
  handler: async (args) => {
    const message = (await askBroker(args, 'GET', '/retained/get', {
      topic: `${args['topic']}`,
    })) as ShownMessage | null;
    if (message === null) return;
    if (args['json']) {
      await printLine(JSON.stringify(message));
      return;
    }
    const { payload, payloadBase64 = '' } = message;
    process.stdout.write(payload ?? Buffer.from(payloadBase64, 'base64'));
    // Programs get exactly the payload, people a line.
    if (process.stdout.isTTY) process.stdout.write('\n');
  },
};

const clear: CommandModule = {
  command: 'clear <filter>',
  describe: 'remove the messages whose topics match; subscribers are sent nothing',
  builder: (args) => addConfigOptions(args.positional('filter', FILTER)),
  handler: async (args) => {
    const answer = (await askBroker(args, 'POST', '/retained/clear', {
      filter: `${args['filter']}`,
    })) as { count: number } | null;
    if (answer !== null) await printLine(`cleared ${answer.count} retained messages`);
  },
};

function messageText({ topic, qos, payloadSize, properties }: ShownMessage): string {
  return [quoted(topic), ...fieldsText({ qos, payloadSize, ...properties })].join(' ');
}
