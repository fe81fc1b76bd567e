import { isUtf8 } from 'node:buffer';
import type { operations } from '@promptmq/admin/types';
import type { CommandModule } from 'yargs';
import { fieldsText, quoted } from '../log/index.ts';
import { addListOptions, dataOf, printLine, printPages, withBroker } from './ask-broker.ts';
import { addConfigOptions } from './options.ts';

/** A retained message as the API lists it. */
type Retained =
  operations['listRetained']['responses'][200]['content']['application/json']['data'][number];

/** Of a payload: all of it, as a packet has no more. */
const PAYLOAD_BYTES_MAX = 268_435_455;

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
    const meant = {
      topic: `${args['filter']}`,
      properties: 'true',
      payload_bytes: args['json'] ? PAYLOAD_BYTES_MAX : 0,
    } as const;
    await withBroker(args, (admin) =>
      printPages(
        args,
        (page) => {
          const query = { ...meant, ...page };
          return dataOf(admin.GET('/mqtt/retainer/messages', { params: { query } }));
        },
        messageText,
        messageJson,
      ),
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
    const topic = `${args['topic']}`;
    if (/[+#]/.test(topic)) throw new Error(`${quoted(topic)} has wildcards: list takes filters`);
    const query = {
      topic,
      cursor: 'none',
      limit: 1,
      payload_bytes: PAYLOAD_BYTES_MAX,
      properties: 'true',
    } as const;
    await withBroker(args, async (admin) => {
      const found = await dataOf(admin.GET('/mqtt/retainer/messages', { params: { query } }));
      const [message] = found.data;
      if (message === undefined) throw new Error(`${quoted(topic)} has no retained message`);
      if (args['json']) {
        await printLine(JSON.stringify(messageJson(message)));
        return;
      }
      process.stdout.write(payloadOf(message));
      // Programs get exactly the payload, people a line.
      if (process.stdout.isTTY) process.stdout.write('\n');
    });
  },
};

const clear: CommandModule = {
  command: 'clear <filter>',
  describe: 'remove the messages whose topics match; subscribers are sent nothing',
  builder: (args) => addConfigOptions(args.positional('filter', FILTER)),
  handler: async (args) => {
    const query = { topic: `${args['filter']}`, report: 'true' } as const;
    await withBroker(args, async (admin) => {
      const cleared = admin.DELETE('/mqtt/retainer/messages', { params: { query } });
      const { count } = await dataOf(cleared);
      await printLine(`cleared ${count} retained messages`);
    });
  },
};

function payloadOf({ payload = '' }: Retained): Buffer {
  return Buffer.from(payload, 'base64');
}

/** As the API has it, but with payloads as text where they are some. */
function messageJson({ payload = '', ...message }: Retained): object {
  const bytes = Buffer.from(payload, 'base64');
  return isUtf8(bytes)
    ? { ...message, payload: bytes.toString(), payload_encoding: 'plain' }
    : { ...message, payload, payload_encoding: 'base64' };
}

/** `"devices/1" qos=1 payload_size=12 …`; what a message doesn't have is left out. */
function messageText({ topic, properties, payload: _payload, ...message }: Retained): string {
  const { user_properties = {}, ...others } = properties ?? {};
  const given: [string, unknown][] = Object.entries({ ...message, ...others });
  const facts = given.filter(([, value]) => value !== null);
  if (Object.keys(user_properties).length > 0) {
    facts.push(['user_properties', user_properties]);
  }
  return [quoted(topic), ...fieldsText(Object.fromEntries(facts))].join(' ');
}
