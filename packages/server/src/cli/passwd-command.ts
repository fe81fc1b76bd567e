import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { hashPassword } from '@promptmq/auth';
import type { CommandModule } from 'yargs';

/** `promptmq passwd NAME`: makes a line of a password file; the password is asked for, or piped in. */
export const passwdCommand: CommandModule = {
  command: 'passwd <name>',
  describe: 'hash the password on standard input, as a line for auth.password-file',
  builder: (args) => args.positional('name', { describe: 'user name', type: 'string' }),
  handler: async (args) => {
    const name = `${args['name']}`;
    if (name === '' || /[:\p{Cc}]/u.test(name) || name.startsWith('#')) {
      throw new Error(
        'a user name has no colon and no control characters, and no # at its beginning',
      );
    }
    const password = process.stdin.isTTY
      ? await askHidden('Password: ')
      : (await text(process.stdin)).replace(/\r?\n$/, '');
    if (password === '') throw new Error('the password on standard input is empty');
    process.stdout.write(`${name}:${await hashPassword(password)}\n`);
  },
};

/** Asks on the terminal, without showing what is typed. */
async function askHidden(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  const answer = await terminal.question('');
  terminal.close();
  process.stderr.write('\n');
  return answer;
}
