import type { operations } from '@promptmq/admin/types';
import type { CommandModule } from 'yargs';
import { fieldsText, quoted } from '../log/index.ts';
import { addListOptions, dataOf, printLine, printPages, withBroker } from './ask-broker.ts';
import { addConfigOptions } from './options.ts';

/** A client as the API has it. */
type Client =
  operations['listClients']['responses'][200]['content']['application/json']['data'][number];

type Subscription =
  operations['listSubscriptions']['responses'][200]['content']['application/json']['data'][number];

/** `promptmq clients list|show|disconnect`: exit code 3 when no broker runs. */
export const clientsCommand: CommandModule = {
  command: 'clients',
  describe: 'list, show and disconnect the clients of the running broker',
  builder: (args) => args.command(list).command(show).command(disconnect).demandCommand(1),
  handler: () => {},
};

const list: CommandModule = {
  command: 'list',
  describe: 'a line for each client, connected or not, in the order in which their sessions began',
  builder: (args) =>
    addConfigOptions(
      addListOptions(
        args
          .option('like', {
            describe: 'only those whose identifier has this in it',
            type: 'string',
            requiresArg: true,
          })
          .option('user', {
            describe: 'only those of this user',
            type: 'string',
            requiresArg: true,
          }),
      ),
    ),
  handler: async (args) => {
    const { like, user } = args as { like?: string; user?: string };
    const meant = {
      ...(like === undefined ? {} : { like_clientid: like }),
      ...(user === undefined ? {} : { username: user }),
    };
    await withBroker(args, (admin) =>
      printPages(
        args,
        (page) => dataOf(admin.GET('/clients', { params: { query: { ...meant, ...page } } })),
        clientText,
      ),
    );
  },
};

const show: CommandModule = {
  command: 'show <client>',
  describe: 'one client, and its subscriptions',
  builder: (args) =>
    addConfigOptions(
      args
        .positional('client', { describe: 'client identifier', type: 'string' })
        .option('json', { describe: 'one JSON document', boolean: true, default: false }),
    ),
  handler: async (args) => {
    const clientid = `${args['client']}`;
    await withBroker(args, async (admin) => {
      // By parameters: there are identifiers that no path can have.
      const clients = await dataOf(admin.GET('/clients', { params: { query: { clientid } } }));
      const [client] = clients.data;
      if (client === undefined) throw new Error(`${quoted(clientid)} has no session`);
      const subscriptions: Subscription[] = [];
      for (let page = 1, hasNext = true; hasNext; page++) {
        const query = { clientid, page, limit: 1000 };
        const { data, meta } = await dataOf(admin.GET('/subscriptions', { params: { query } }));
        for (const one of data) subscriptions.push(one);
        hasNext = meta.hasnext;
      }
      if (args['json']) {
        await printLine(JSON.stringify({ client, subscriptions }));
        return;
      }
      await printLine(clientText(client));
      for (const { topic, qos, nl, rap, rh, subid } of subscriptions) {
        const options = { qos, nl, rap, rh, ...(subid === null ? {} : { subid }) };
        await printLine(`  ${[quoted(topic), ...fieldsText(options)].join(' ')}`);
      }
    });
  },
};

const disconnect: CommandModule = {
  command: 'disconnect <client>',
  describe: 'disconnect a client; exit code 1 when there was nothing to do',
  builder: (args) =>
    addConfigOptions(
      args
        .positional('client', { describe: 'client identifier', type: 'string' })
        .option('reason-code', {
          describe:
            'what an MQTT 5 client gets, such as 0x87; 0x98, Administrative action, by default',
          type: 'string',
          requiresArg: true,
        })
        .option('drop-session', {
          describe: 'end its session, too, also when it is not connected',
          boolean: true,
          default: false,
        })
        .option('prevent-will', {
          describe: 'do not publish its will, also one that is still due',
          boolean: true,
          default: false,
        }),
    ),
  handler: async (args) => {
    const client = `${args['client']}`;
    const reasonCode = args['reason-code'] as string | undefined;
    const query = {
      report: 'true',
      cleanSession: args['drop-session'] === true ? 'true' : 'false',
      preventWillMessage: args['prevent-will'] === true ? 'true' : 'false',
      ...(reasonCode === undefined ? {} : { reasonCode }),
    } as const;
    await withBroker(args, async (admin) => {
      // In a list: there are identifiers that no path can have.
      const asked = admin.POST('/clients/kickout/bulk', { params: { query }, body: [client] });
      const done = await dataOf(asked);
      if (done.data.length === 0) {
        throw new Error(`${quoted(client)} is not connected: nothing was done`);
      }
      await printLine(`disconnected ${quoted(client)}`);
    });
  },
};

/** What says nothing of one client, or says it again: `--json` has it. */
const LEFT_OUT = [
  'node',
  'is_expired',
  'proto_name',
  'subscriptions_max',
  'mqueue_max',
  'awaiting_rel_max',
];

/** `"dev-1" connected proto_ver=5 …`; what a session without connection doesn't have is left out. */
function clientText(client: Client): string {
  const { clientid, connected, connected_at, disconnected_at, client_attrs, ...info } = client;
  const since = connected_at ?? disconnected_at;
  const facts: [string, unknown][] = Object.entries(info).filter(
    ([name, value]) => value !== null && !LEFT_OUT.includes(name),
  );
  if (Object.keys(client_attrs ?? {}).length > 0) {
    facts.push(['client_attrs', client_attrs]);
  }
  return [
    quoted(`${clientid}`),
    connected === true ? 'connected' : 'disconnected',
    ...(since === undefined || since === null ? [] : [`since=${since}`]),
    ...fieldsText(Object.fromEntries(facts)),
  ].join(' ');
}
