import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { HashThreads, parsePasswordFile } from '@promptmq/auth';
import { readPasswordFile } from '../../src/access/password-file.ts';
import { readScramFile } from '../../src/access/scram-file.ts';
import { ConfigError, replaceFile } from '../../src/config/index.ts';
import { bin } from '../support/command.ts';

const HASH =
  '$6$iqZ8BlKkwdkOxlQ9$fAahkqRNE9eVu0ydDe0xIO/NpiO7MZWimwt7cp7NN0w6V2t2aJVqt4o0a24L8fCQQe5kzX7ETOokh4R8C091vw==';

let folder: string;
let file: string;
let threads: HashThreads;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-passwd-'));
  file = join(folder, 'passwords');
  threads = new HashThreads();
});

beforeEach(() => rmSync(file, { force: true }));

afterAll(async () => {
  await threads.close();
  rmSync(folder, { recursive: true });
});

function passwd(input: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'passwd', ...args], {
    encoding: 'utf8',
    input,
    cwd: folder,
  });
  return { status, stdout, stderr };
}

/** Whether a user of a password file has this password. */
async function has(text: string, user: string, password: string): Promise<boolean> {
  const hash = parsePasswordFile(text).users.get(user);
  return hash !== undefined && (await threads.verify(Buffer.from(password), hash)).isRight;
}

test('without a file, a line is printed that a password file takes', async () => {
  const { status, stdout, stderr } = passwd('open sesame\n', 'alice');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^alice:\$scrypt\$ln=15,r=8,p=1\$\S+\n$/);
  writeFileSync(file, stdout);
  expect([...readPasswordFile(file).keys()]).toEqual(['alice']);
  expect(await has(stdout, 'alice', 'open sesame')).toBe(true);
});

test('a file is made, which only its owner reads; the user in it is given another password', async () => {
  expect(passwd('one\r\n', 'alice', '--file', 'passwords')).toEqual({
    status: 0,
    stdout: '',
    stderr: 'promptmq: user "alice" was added in passwords\n',
  });
  expect(await has(readFileSync(file, 'utf8'), 'alice', 'one')).toBe(true);
  if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
  const { stderr } = passwd('', 'alice', '--file', 'passwords', '--insecure-password', 'two');
  expect(stderr).toBe('promptmq: user "alice" has a new password in passwords\n');
  const text = readFileSync(file, 'utf8');
  expect(await has(text, 'alice', 'two')).toBe(true);
  expect(await has(text, 'alice', 'one')).toBe(false);
  expect(readdirSync(folder)).toEqual(['passwords']);
});

test('all else that is in the file stays, when a user is added and when one is taken out', () => {
  const text = `# ours\nalice:${HASH}\n\n# theirs\nbob:${HASH}\n`;
  writeFileSync(file, text);
  expect(passwd('x', 'carol', '--file', 'passwords').status).toBe(0);
  const added = readFileSync(file, 'utf8');
  expect(added.startsWith(text)).toBe(true);
  expect(passwd('', 'carol', '--file', 'passwords', '--delete').stderr).toBe(
    'promptmq: user "carol" was taken out of passwords\n',
  );
  expect(passwd('', 'alice', '--file', 'passwords', '--delete').status).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(`# ours\n\n# theirs\nbob:${HASH}\n`);
});

test.each([
  [['a:b'], 'x', 1, /a user name has no colon/],
  [['alice'], '', 1, /the password on standard input is empty/],
  [['alice'], 'x'.repeat(65_536), 1, /more than 65535 bytes/],
  [['alice', '--delete'], '', 2, /passwd --delete needs --file FILE/],
  [['nobody', '--file', 'passwords', '--delete'], '', 1, /passwords has no user "nobody"/],
  [['alice', '--file', 'no/such'], 'x', 1, /no such file or directory/],
  [['alice', '--file', '.'], 'x', 2, /it is a folder/],
  [
    ['alice', '-c'],
    'x',
    2,
    /unknown option -c; there are --file, --delete, --scram, --insecure-password/,
  ],
  [['--file', 'passwords'], 'x', 2, /passwd needs NAME, a user name/],
])('%j is refused, and nothing is written', (args, input, exitCode, why) => {
  writeFileSync(file, `alice:${HASH}\n`);
  const { status, stdout, stderr } = passwd(input, ...args);
  expect([status, stdout]).toEqual([exitCode, '']);
  expect(stderr).toMatch(why);
  expect(readFileSync(file, 'utf8')).toBe(`alice:${HASH}\n`);
  expect(readdirSync(folder)).toEqual(['passwords']);
});

test('a file that is none of passwords is left alone; a wrong line can be put right', () => {
  writeFileSync(file, 'mqtt: { max-qos: 1 }\n');
  expect(passwd('x', 'alice', '--file', 'passwords')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/passwords:1\): it takes NAME:HASH/),
  });
  expect(readFileSync(file, 'utf8')).toBe('mqtt: { max-qos: 1 }\n');
  writeFileSync(file, 'alice:plain\n');
  expect(passwd('x', 'alice', '--file', 'passwords').status).toBe(0);
  expect(readFileSync(file, 'utf8')).not.toContain('plain');
});

test('secrets for SCRAM are made, put into a file and taken out', () => {
  const put = passwd('pencil', 'alice', '--scram', '--file', 'passwords');
  expect([put.status, put.stderr]).toEqual([0, 'promptmq: user "alice" was added in passwords\n']);
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(/^alice:SCRAM-SHA-256\$10000:\S+\nalice:SCRAM-SHA-512\$10000:\S+\n$/);
  expect(readScramFile(file).find('alice', 'SCRAM-SHA-512')).not.toBeNull();
  expect(passwd('x', 'bob', '--file', 'passwords').status).toBe(2);
  expect(passwd('', 'alice', '--scram', '--file', 'passwords', '--delete').status).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe('');
});

test('help says what there is', () => {
  const { status, stdout } = passwd('', '--help');
  expect(status).toBe(0);
  for (const part of ['--file', '--delete', '--insecure-password', 'standard input']) {
    expect(stdout).toContain(part);
  }
});

const onPosix = process.platform === 'win32' ? test.skip : test;

onPosix(
  'a file that is replaced keeps its group’s rights, and nobody else’s; a link stays one',
  () => {
    writeFileSync(file, 'before');
    chmodSync(file, 0o646);
    const link = join(folder, 'link');
    symlinkSync(file, link);
    replaceFile(link, 'after');
    expect(readFileSync(file, 'utf8')).toBe('after');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(
      readdirSync(folder, { withFileTypes: true }).map((entry) => [
        entry.name,
        entry.isSymbolicLink(),
      ]),
    ).toEqual([
      ['link', true],
      ['passwords', false],
    ]);
    rmSync(link);
  },
);

onPosix('a file that can’t be replaced stays as it is, and nothing is left beside it', () => {
  writeFileSync(`${file}.${process.pid}.new`, 'of another');
  writeFileSync(file, 'before');
  expect(() => replaceFile(file, 'after')).toThrow(/EEXIST/);
  expect(readFileSync(file, 'utf8')).toBe('before');
  rmSync(`${file}.${process.pid}.new`);
  expect(() => readPasswordFile(file)).toThrow(ConfigError);
});
