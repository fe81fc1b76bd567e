import type { DynamicState } from '../state.ts';
import { CLIENT_COMMANDS } from './client-commands.ts';
import type { CommandHandler, CommandTools } from './command.ts';
import { CommandError } from './command-error.ts';
import { fieldOf, isObject, type JsonObject, textOf } from './fields.ts';
import { GENERAL_COMMANDS } from './general-commands.ts';
import { GROUP_COMMANDS } from './group-commands.ts';
import { ROLE_COMMANDS } from './role-commands.ts';

/** Commands of one request: they are carried out in one turn. */
const COMMANDS_MAX = 1000;

interface NamedHandler {
  /** As answers have it. */
  readonly name: string;
  readonly handler: CommandHandler;
  /** Whether it may be given a password. */
  readonly takesPassword: boolean;
}

const PASSWORD_COMMANDS = ['createClient', 'modifyClient', 'setClientPassword'];

/** By name in small letters. */
const HANDLERS: ReadonlyMap<string, NamedHandler> = new Map(
  Object.entries({
    ...GENERAL_COMMANDS,
    ...CLIENT_COMMANDS,
    ...GROUP_COMMANDS,
    ...ROLE_COMMANDS,
  }).map(([name, handler]) => [
    name.toLowerCase(),
    { name, handler, takesPassword: PASSWORD_COMMANDS.includes(name) },
  ]),
);

/** All commands that there are, as they are written. */
export const COMMAND_NAMES: readonly string[] = Array.from(HANDLERS.values(), ({ name }) => name);

/** What somebody asks for: `{"commands": [...]}`, not carried out yet. */
export interface ControlRequest {
  /** Passwords whose hashes the commands need. */
  readonly passwords: readonly string[];
  /** Null where the request is none; then `fault` says why. */
  readonly commands: readonly unknown[] | null;
  readonly fault: string;
  /** Whether nothing is changed by it. */
  readonly isReadOnly: boolean;
}

/** @param payload - of the PUBLISH; not kept */
export function readRequest(payload: Uint8Array): ControlRequest {
  let request: unknown;
  try {
    request = JSON.parse(Buffer.from(payload).toString());
  } catch {
    return faulty('Payload not valid JSON');
  }
  const commands = isObject(request) ? fieldOf(request, 'commands') : undefined;
  if (!Array.isArray(commands)) return faulty('Invalid/missing commands');
  if (commands.length > COMMANDS_MAX) return faulty(`More than ${COMMANDS_MAX} commands`);
  return {
    commands,
    passwords: passwordsOf(commands),
    fault: '',
    isReadOnly: commands.every(isReadOnly),
  };
}

function faulty(fault: string): ControlRequest {
  return { commands: null, passwords: [], fault, isReadOnly: true };
}

/** What isn't known, or no command, changes nothing. */
function isReadOnly(command: unknown): boolean {
  const name = isObject(command) ? textOf(command, 'command')?.toLowerCase() : undefined;
  if (name === undefined || !HANDLERS.has(name)) return true;
  return name.startsWith('get') || name.startsWith('list');
}

function passwordsOf(commands: readonly unknown[]): string[] {
  const passwords = new Set<string>();
  for (const command of commands) {
    if (!isObject(command)) continue;
    const handler = HANDLERS.get(textOf(command, 'command')?.toLowerCase() ?? '');
    const password = handler?.takesPassword === true ? textOf(command, 'password') : undefined;
    if (password !== undefined && password !== '') passwords.add(password);
  }
  return [...passwords];
}

/** What became of a command, for logs: names only, never passwords. */
export interface CommandReport {
  readonly command: string;
  readonly error: string | null;
  /** Whom or what it is about. */
  readonly subject: string;
}

/** The response, and what the log is to know of it. */
export interface ControlAnswer {
  readonly responses: readonly JsonObject[];
  readonly reports: readonly CommandReport[];
}

/** Carries out the commands of a request, one after the other; one that fails doesn't end it. */
export function carryOut(
  state: DynamicState,
  { commands, fault }: ControlRequest,
  tools: CommandTools,
): ControlAnswer {
  if (commands === null) return { responses: [{ command: UNKNOWN, error: fault }], reports: [] };
  const responses: JsonObject[] = [];
  const reports: CommandReport[] = [];
  for (const command of commands) {
    // Whoever sends what is no command isn't believed what comes after it.
    const isLast = !carryOutOne(state, command, tools, responses, reports);
    if (isLast) break;
  }
  return { responses, reports };
}

const UNKNOWN = 'Unknown command';

/** Answers to each command of a request that isn't carried out. */
export function refuseAll({ commands, fault }: ControlRequest, error: string): JsonObject[] {
  if (commands === null) return [{ command: UNKNOWN, error: fault }];
  return commands.filter(isObject).map((command) => {
    const correlationData = textOf(command, 'correlationData');
    return {
      command: textOf(command, 'command') ?? UNKNOWN,
      error,
      ...(correlationData === undefined ? {} : { correlationData }),
    };
  });
}

/** @returns false when it is no command at all */
function carryOutOne(
  state: DynamicState,
  command: unknown,
  tools: CommandTools,
  responses: JsonObject[],
  reports: CommandReport[],
): boolean {
  if (!isObject(command)) {
    responses.push({ command: UNKNOWN, error: 'Command not an object' });
    return false;
  }
  const given = textOf(command, 'command');
  if (given === undefined) {
    responses.push({ command: UNKNOWN, error: 'Missing command' });
    return false;
  }
  const correlationData = fieldOf(command, 'correlationData');
  if (correlationData !== undefined && typeof correlationData !== 'string') {
    responses.push({ command: given, error: 'Invalid correlationData data type.' });
    return false;
  }
  const correlation = correlationData === undefined ? {} : { correlationData };
  try {
    const found = HANDLERS.get(given.toLowerCase());
    if (found === undefined) throw new CommandError(UNKNOWN);
    const data = found.handler(state, command, tools);
    responses.push(
      data === undefined
        ? { command: given, ...correlation }
        : { command: found.name, data, ...correlation },
    );
    reports.push({ command: found.name, error: null, subject: subjectOf(command) });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    responses.push({ command: given, error: error.message, ...correlation });
    reports.push({ command: given, error: error.message, subject: subjectOf(command) });
  }
  return true;
}

function subjectOf(command: JsonObject): string {
  return ['username', 'groupname', 'rolename']
    .flatMap((field) => textOf(command, field) ?? [])
    .join(' ');
}
