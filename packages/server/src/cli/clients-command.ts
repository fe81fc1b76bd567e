import type { CommandModule } from 'yargs';
import type { ClientInfo, ClientSubscription } from '../embed/clients/client-info.ts';
import type { ClientPage } from '../embed/clients/clients.ts';
import { fieldsText, quoted } from '../log/index.ts';
import { addListOptions, askBroker, printLine, printPages } from './ask-broker.ts';
import { addConfigOptions } from './options.ts';

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
    const clientsOf = (page: ClientPage) => page.clients;
    await printPages(args, '/clients/list', { like, user }, clientsOf, clientText);
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
    const found = (await askBroker(args, 'GET', '/clients/get', {
      client: `${args['client']}`,
    })) as { client: ClientInfo; subscriptions: ClientSubscription[] } | null;
    if (found === null) return;
    if (args['json']) {
      await printLine(JSON.stringify(found));
      return;
    }
    await printLine(clientText(found.client));
    for (const { topicFilter, ...options } of found.subscriptions) {
      await printLine(`  ${[quoted(topicFilter), ...fieldsText(options)].join(' ')}`);
    }
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
    const answer = (await askBroker(args, 'POST', '/clients/disconnect', {
      client,
      reasonCode: args['reason-code'] as string | undefined,
      dropSession: args['drop-session'] as boolean,
      preventWill: args['prevent-will'] as boolean,
    })) as { isDone: boolean } | null;
    if (answer === null) return;
    if (!answer.isDone) throw new Error(`${quoted(client)} is not connected: nothing was done`);
    await printLine(`disconnected ${quoted(client)}`);
  },
};

/** `"dev-1" connected version=5 …`; what a session without connection doesn't have is left out. */
function clientText(client: ClientInfo): string {
  const { clientId, isConnected, connectedAt, disconnectedAt, attributes, ...info } = client;
  const since = connectedAt ?? disconnectedAt;
  const facts = Object.entries(info).filter(([, value]) => value !== null);
  if (Object.keys(attributes).length > 0) facts.push(['attributes', JSON.stringify(attributes)]);
  return [
    quoted(clientId),
    isConnected ? 'connected' : 'disconnected',
    ...(since === null ? [] : [`since=${new Date(since).toISOString()}`]),
    ...fieldsText(Object.fromEntries(facts)),
  ].join(' ');
}
