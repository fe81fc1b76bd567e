import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  formatScramSecret,
  hashPassword,
  makeScramSecret,
  type PasswordFileProblem,
  parsePasswordFile,
  putScramUser,
  putUser,
  removeUser,
  SCRAM_METHODS,
  ScramUsers,
  whyNoUserName,
} from '@promptmq/auth';
import type { CommandModule } from 'yargs';
import { ConfigError, readTextFile, replaceFile } from '../config/index.ts';
import { UsageError } from './usage.ts';

/** Of Password in CONNECT (§3.1.3.6). */
const PASSWORD_SIZE_MAX = 65_535;

interface PasswdArguments {
  readonly name: string;
  readonly file?: string;
  readonly delete: boolean;
  readonly scram: boolean;
  readonly insecurePassword?: string;
}

/** `promptmq passwd NAME`: makes a line of a password file, or changes the file; the password is asked for, or piped in. */
export const passwdCommand: CommandModule = {
  command: 'passwd <name>',
  describe: 'hash a password, as a line for auth.password-file, or put it into the file',
  builder: (args) =>
    args
      .positional('name', { describe: 'user name', type: 'string' })
      .option('file', {
        describe:
          'the password file: the user is added to it, or given another password; without it, the line is printed',
        type: 'string',
        requiresArg: true,
      })
      .option('delete', {
        describe: 'take the user out of the file',
        boolean: true,
        default: false,
      })
      .option('scram', {
        describe:
          'make secrets for SCRAM-SHA-256 and SCRAM-SHA-512, for a file of - scram: FILE in auth.chain',
        boolean: true,
        default: false,
      })
      .option('insecure-password', {
        describe:
          'the password itself. Everybody who lists the processes of this machine sees it, and the shell may keep it',
        type: 'string',
        requiresArg: true,
      })
      .usage(
        `$0 passwd NAME [--file FILE] [--delete] [--scram]

The password is asked for, twice, without showing it. Where standard input is no terminal, it is read from there, to its end; one end of line there doesn't count. Nothing else of the file is changed, and a broker that runs with it reads it again by itself.`,
      )
      .example('$0 passwd alice --file passwords', 'add alice, or give her another password')
      .example('$0 passwd alice --file passwords --delete', 'take alice out')
      .example('$0 passwd alice < secret >> passwords', 'hash what is in a file, and add the line'),
  handler: async (args) => {
    const { name, file, insecurePassword, ...flags } = args as unknown as PasswdArguments;
    const kind = flags.scram ? SCRAM : PASSWORDS;
    if (flags.delete) {
      if (file === undefined) throw new UsageError('passwd --delete needs --file FILE');
      if (insecurePassword !== undefined)
        throw new UsageError('passwd --delete takes no --insecure-password');
      deleteUser(kind, file, `${name}`);
      return;
    }
    const why = whyNoUserName(`${name}`);
    if (why !== null) throw new Error(why);
    const password = await passwordOf(insecurePassword);
    const hashes = await kind.hash(password);
    if (file === undefined) process.stdout.write(kind.put('', `${name}`, hashes));
    else setUser(kind, file, `${name}`, hashes);
  },
};

/** A kind of file that has users. */
interface FileKind {
  /** What its lines have of a password. */
  hash(password: string): Promise<readonly string[]>;
  put(text: string, name: string, hashes: readonly string[]): string;
  /** What a broker wouldn't read of it. */
  problemsOf(text: string): readonly PasswordFileProblem[];
}

const PASSWORDS: FileKind = {
  hash: async (password) => [await hashPassword(password)],
  put: (text, name, [hash]) => putUser(text, name, `${hash}`),
  problemsOf: (text) => parsePasswordFile(text).problems,
};

const SCRAM: FileKind = {
  hash: async (password) =>
    SCRAM_METHODS.map((method) => formatScramSecret(makeScramSecret(method, password))),
  put: putScramUser,
  problemsOf: (text) => ScramUsers.parse(text).problems,
};

function setUser(kind: FileKind, file: string, name: string, hashes: readonly string[]): void {
  // Read when the password is known: whoever else changes the file meanwhile isn't undone.
  const before = existsSync(file) ? readTextFile(file, KEY) : '';
  const after = kind.put(before, name, hashes);
  refuseProblems(kind, file, after);
  replaceFile(file, after);
  const was = removeUser(before, name) !== null;
  say(`user ${JSON.stringify(name)} ${was ? 'has a new password' : 'was added'} in ${file}`);
}

function deleteUser(kind: FileKind, file: string, name: string): void {
  const after = removeUser(readTextFile(file, KEY), name);
  if (after === null) throw new Error(`${file} has no user ${JSON.stringify(name)}`);
  refuseProblems(kind, file, after);
  replaceFile(file, after);
  say(`user ${JSON.stringify(name)} was taken out of ${file}`);
}

/** What a broker wouldn't read isn't written, such as a file that is none of passwords. */
function refuseProblems(kind: FileKind, file: string, content: string): void {
  const problems = kind.problemsOf(content);
  if (problems.length === 0) return;
  throw new ConfigError(
    problems.map(({ line, message }) => ({ key: KEY, source: `${file}:${line}`, message })),
  );
}

const KEY = 'passwd --file';

/** What was done; standard output is for lines only. */
function say(line: string): void {
  process.stderr.write(`promptmq: ${line}\n`);
}

/** The password that is asked for, or piped in. */
export async function passwordOf(given: string | undefined): Promise<string> {
  const password = given ?? (process.stdin.isTTY ? await askTwice() : await readPassword());
  if (password === '') {
    const where = process.stdin.isTTY || given !== undefined ? '' : ' on standard input';
    throw new Error(`the password${where} is empty`);
  }
  if (Buffer.byteLength(password) > PASSWORD_SIZE_MAX) {
    throw new Error(
      `the password has more than ${PASSWORD_SIZE_MAX} bytes, which CONNECT can't have`,
    );
  }
  return password;
}

async function readPassword(): Promise<string> {
  return (await text(process.stdin)).replace(/\r?\n$/, '');
}

/** Asks on the terminal, without showing what is typed. */
async function askTwice(): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  // Both lines may be pasted at once.
  const lines = terminal[Symbol.asyncIterator]();
  const ask = async (question: string) => {
    process.stderr.write(question);
    const line = await lines.next();
    process.stderr.write('\n');
    // Ctrl-C, or Ctrl-D.
    if (line.done === true) throw new Error('no password was given');
    return line.value;
  };
  try {
    const password = await ask('Password: ');
    if (password !== '' && (await ask('Again: ')) !== password) {
      throw new Error('the two passwords differ');
    }
    return password;
  } finally {
    terminal.close();
  }
}
