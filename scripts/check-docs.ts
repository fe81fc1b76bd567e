/**
 * Checks what the documentation says: `node scripts check-docs [FILE …]`, after a build. Every problem is reported with
 * file and line; the exit code is 1 if there is any.
 *
 * - Links to files and headings lead somewhere.
 * - Blocks of `sh` run in a folder of their own, one for each file, with the commands of this
 *   repository. /etc/promptmq, /var/lib/promptmq, /var/log, /run and /backup are folders in it, and ports 1883 and 18083 of
 *   this machine are those of a broker where the block asks for one.
 * - Blocks of `js` are type checked, and run in the same way.
 * - Blocks of `yaml` are read as a configuration of the broker, or as rules where they have `rules`.
 *
 * What follows the language in a block's first line says how it is run:
 *
 *   broker       while a broker runs there
 *   until=WORD   it doesn't end by itself: until its output has this word
 *   skip=REASON  not at all. Options of promptmq commands are looked up all the same.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { encode, type Packet } from '../packages/codec/dist/index.js';
import { readAclFile } from '../packages/server/dist/access/acl-file.js';
import { loadConfig } from '../packages/server/dist/config/index.js';
import { readArguments } from './lib/arguments.ts';
import { messageOf } from './lib/errors.ts';
import { publicPackages } from './lib/release.ts';

const root = resolve(import.meta.dirname, '..');
const BLOCK_MS = 60_000;

/** Where programs in blocks find the packages; removed at the end. */
const programs = join(root, 'packages/server/.check-docs');

const problems: string[] = [];

function report(file: string, line: number, what: string): void {
  problems.push(`${relative(root, file)}:${line}: ${what}`);
}

/** A fenced block of a file. */
interface Block {
  readonly file: string;
  readonly line: number;
  readonly language: string;
  readonly options: Readonly<Record<string, string | undefined>>;
  readonly lines: readonly string[];
  readonly text: string;
}

interface Document {
  readonly file: string;
  readonly blocks: readonly Block[];
  /** Its lines, empty where the blocks are. */
  readonly prose: readonly string[];
}

/** A process, and what it has said. */
interface Run {
  readonly child: ChildProcess;
  readonly closed: Promise<unknown[]>;
  output: string;
}

// ---------------------------------------------------------------------------- the files

function markdownFiles(): string[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (/^(node_modules|dist|coverage|release|\..*)$/.test(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.name.endsWith('.md')) found.push(path);
    }
  };
  visit(root);
  return found.sort();
}

/** The fenced blocks of a file, and its lines without them. */
function parse(file: string): Document {
  const blocks: Block[] = [];
  const lines = readFileSync(file, 'utf8').split('\n');
  const prose = [...lines];
  let block: (Omit<Block, 'text'> & { readonly lines: string[] }) | null = null;
  // What its blocks show are pieces.
  let isGenerated = file.startsWith(join(root, 'docs', 'api'));
  for (const [index, text] of lines.entries()) {
    if (/^<!-- [\w-]+: begin -->/.test(text)) isGenerated = true;
    if (/^<!-- [\w-]+: end -->/.test(text)) isGenerated = false;
    const fence = /^ *```(.*)$/.exec(text);
    if (fence === null) {
      if (block !== null) {
        block.lines.push(text);
        prose[index] = '';
      }
    } else if (block === null) {
      const [language = '', ...words] = (fence[1] ?? '').trim().split(/\s+/);
      const options = optionsOf(words);
      if (isGenerated) options['skip'] ??= 'generated';
      block = { file, line: index + 1, language, options, lines: [] };
      prose[index] = '';
    } else {
      blocks.push({ ...block, text: `${block.lines.join('\n')}\n` });
      block = null;
      prose[index] = '';
    }
  }
  if (block !== null) report(file, block.line, 'a block that does not end');
  return { file, blocks, prose };
}

/** What the words after a language say, by name: `until=WORD`, or `broker`. */
function optionsOf(words: readonly string[]): Record<string, string | undefined> {
  const options: Record<string, string | undefined> = {};
  for (const word of words) {
    const [option = '', value = ''] = word.split(/=(.*)/s);
    options[option] = value;
  }
  return options;
}

// ---------------------------------------------------------------------------- links

const anchorsByFile = new Map<string, ReadonlySet<string>>();

/** The anchors of a file: of its headings, as GitHub makes them, and those that it sets. */
function anchorsOf(file: string): ReadonlySet<string> {
  const known = anchorsByFile.get(file);
  if (known !== undefined) return known;
  const anchors = new Set<string>();
  anchorsByFile.set(file, anchors);
  for (const text of parse(file).prose) {
    for (const [, id = ''] of text.matchAll(/<a id="([^"]+)">/g)) anchors.add(id);
    const heading = /^#+ +(.*)$/.exec(text)?.[1];
    if (heading === undefined) continue;
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

function checkLinks({ file, prose }: Document): void {
  for (const [index, text] of prose.entries()) {
    const links = text.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g);
    for (const [, target = ''] of links) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const other = path === '' ? file : resolve(dirname(file), path);
      if (!existsSync(other)) report(file, index + 1, `${target}: there is no such file`);
      else if (anchor !== undefined && other.endsWith('.md') && !anchorsOf(other).has(anchor)) {
        report(file, index + 1, `${target}: there is no such heading`);
      }
    }
  }
}

// ---------------------------------------------------------------------------- configurations

function checkYaml({ file, line, text }: Block, folder: string): void {
  const path = join(folder, 'block.yaml');
  writeFileSync(path, text);
  try {
    if (/^rules:/m.test(text)) readAclFile(path);
    else loadConfig({ flags: {}, file: path });
  } catch (error) {
    report(file, line, messageOf(error).replaceAll(path, 'block'));
  }
  rmSync(path);
}

// ---------------------------------------------------------------------------- commands

/** By name, and where npx runs them by that of their package. */
const bins = {
  promptmq: join(root, 'packages/server/bin/promptmq.js'),
  'promptmq-bench': join(root, 'packages/bench/bin/promptmq-bench.js'),
  'promptmq-conformance': join(root, 'packages/conformance/bin/promptmq-conformance.js'),
} as const;
const PROGRAM =
  /(?:^|\s)(npm start --|promptmq(?:-bench|-conformance)?|npx @promptmq\/(?:bench|conformance|server))\s(.*)$/;
const helps = new Map<string, string>();

function helpOf(program: keyof typeof bins, command: string): string {
  const key = `${program} ${command}`;
  let help = helps.get(key);
  if (help === undefined) {
    const args = [...command.split(' ').filter((word) => word !== ''), '--help'];
    const { stdout, status } = spawnSync(process.execPath, [bins[program], ...args], {
      encoding: 'utf8',
    });
    help = status === 0 ? stdout : '';
    helps.set(key, help);
  }
  return help;
}

/** Looks the options of commands up that aren't run. */
function checkOptions({ file, line, lines }: Block): void {
  const joined = lines.join('\n').replace(/\\\n/g, ' ').split('\n');
  for (const [index, text] of joined.entries()) {
    const call = PROGRAM.exec(text.replace(/(^|\s)#.*$/, ''));
    if (call === null) continue;
    const [, program = '', rest = ''] = call;
    const [, own = null] = /(bench|conformance)$/.exec(program) ?? [];
    const words = rest.split(/\s+/);
    const isNamed = /^(wal|bench|cluster|config|user|group|role|ban)$/.test(words[0] ?? '');
    const command =
      own !== null
        ? words.slice(0, 1).filter((word) => word === 'hostile')
        : words
            .slice(0, isNamed && words[0] !== 'bench' ? 2 : 1)
            .filter((word) => /^[a-z]/.test(word));
    const help = helpOf(
      own === null ? 'promptmq' : (`promptmq-${own}` as keyof typeof bins),
      command.join(' '),
    );
    for (const word of words.filter((one) => one.startsWith('--'))) {
      const flag = word.replace(/=.*/, '');
      const isKnown = new RegExp(`${flag}(?![\\w-])`).test(help.replace(/\s*\n\s*/g, ' '));
      if (!isKnown) report(file, line + 1 + index, `${flag} is no option of ${program}`);
    }
  }
}

/** Where brokers have their admin listener, one after the other: a port on which nobody listened just now. */
const adminAddress = await freeAddress();

async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}

/** A folder for the blocks of a file, with a configuration, and programs by their names. */
function makeWorld(): string {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-docs-'));
  for (const name of ['bin', 'run', 'log', 'backup']) mkdirSync(join(folder, name));
  for (const [name, path] of Object.entries(bins)) {
    const script = `#!/bin/sh\nexec '${process.execPath}' '${path}' "$@"\n`;
    writeFileSync(join(folder, 'bin', name), script, { mode: 0o755 });
  }
  writeFileSync(
    join(folder, 'promptmq.yaml'),
    `server: { bind: "127.0.0.1:0", ws-bind: none }\nmetrics: { enabled: false }\nadmin: { bind: ${adminAddress} }\n`,
  );
  return folder;
}

function start(command: string, args: readonly string[], folder: string): Run {
  const child = spawn(command, args, {
    cwd: folder,
    detached: true,
    env: {
      ...process.env,
      HOME: folder,
      PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
      // Else a bash whose standard input is a socket takes itself for one of rshd, and reads bashrc.
      SHLVL: '2',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // What a command asks for on its standard input is a password.
  child.stdin.on('error', () => {});
  child.stdin.end('secret\n');
  const run: Run = { child, output: '', closed: once(child, 'close') };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      run.output += chunk;
    });
  }
  return run;
}

/** Ends a process with all that it has started. */
async function end({ child, closed }: Run, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  try {
    process.kill(-(child.pid as number), signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  await closed;
}

/** Waits for a word in the output; false when the process ended, or was too slow. */
async function waitFor(run: Run, word: string): Promise<boolean> {
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(), BLOCK_MS);
  let isClosed = false;
  void run.closed.then(() => {
    isClosed = true;
    timer.abort();
  });
  while (!run.output.includes(word) && !timer.signal.aborted) {
    await once(run.child.stdout as Readable, 'data', { signal: timer.signal }).catch(() => {});
  }
  clearTimeout(timeout);
  return run.output.includes(word) || (!isClosed && run.output.includes(word));
}

async function startBroker(
  folder: string,
): Promise<{ readonly run: Run; readonly address: string }> {
  const run = start(join(folder, 'bin/promptmq'), ['--log-format', 'json'], folder);
  if (!(await waitFor(run, '"event":"ready"'))) throw new Error(`no broker: ${run.output}`);
  const [, address = ''] = /"address":"([^"]+)"/.exec(run.output) ?? [];
  await publishSomething(address);
  return { run, address };
}

/** So that the broker's log has something in it, as any has before long. */
async function publishSomething(address: string): Promise<void> {
  const [host = '', port] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  const base = { protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId: 'docs' } as const;
  const send = (packet: Packet) => socket.write(encode(packet) as Uint8Array);
  send({ cmd: 'connect', ...base, keepalive: 0 });
  await once(socket, 'data');
  const message = { topic: 'state', payload: Buffer.from('on'), retain: true };
  send({ cmd: 'publish', ...message, qos: 1, dup: false, messageId: 1 });
  await once(socket, 'data');
  socket.destroy();
}

const FOLDERS: readonly (readonly [from: string, to: string])[] = [
  ['/etc/promptmq', '.'],
  ['/var/lib/promptmq', '.'],
  ['/var/log', 'log'],
  ['/backup', 'backup'],
  ['/run/', 'run/'],
];

/** The block with the folders and the port of its world. */
function inWorld(text: string, folder: string, address: string): string {
  let changed = text;
  for (const [from, to] of FOLDERS) {
    changed = changed.replaceAll(new RegExp(`(?<![\\w/.])${from}`, 'g'), join(folder, to));
  }
  return changed
    .replaceAll(/\b(localhost|127\.0\.0\.1):1883\b/g, address)
    .replaceAll(/\b(localhost|127\.0\.0\.1):18083\b/g, adminAddress);
}

async function runBlock(block: Block, folder: string): Promise<void> {
  const { file, line, language, options, text } = block;
  const broker = 'broker' in options ? await startBroker(folder) : null;
  const changed = inWorld(text, folder, broker?.address ?? '127.0.0.1:1');
  let run: Run;
  if (language === 'sh') {
    run = start('bash', ['-euo', 'pipefail', '-c', changed], folder);
  } else {
    const program = join(programs, `run-${line}.mjs`);
    writeFileSync(program, changed);
    run = start(process.execPath, [program], folder);
  }
  const { until } = options;
  if (until === undefined) {
    const timeout = setTimeout(() => end(run, 'SIGKILL'), BLOCK_MS);
    const [code, signal] = await run.closed;
    clearTimeout(timeout);
    if (code !== 0) {
      const how = signal === null ? `ended with ${code}` : 'did not end';
      report(file, line, `${how}:\n${run.output.trimEnd()}`);
    }
  } else {
    if (!(await waitFor(run, until))) {
      report(file, line, `its output has no ${until}:\n${run.output.trimEnd()}`);
    }
    await end(run);
  }
  if (broker !== null) await end(broker.run);
}

// ---------------------------------------------------------------------------- types

function checkTypes(blocks: readonly Block[]): void {
  if (blocks.length === 0) return;
  const byName = new Map<string, Block>();
  for (const block of blocks) {
    const name = `${relative(root, block.file).replaceAll(/\W/g, '-')}-${block.line}.mjs`;
    // The line of the block's first line is the same in the program.
    byName.set(name, block);
    writeFileSync(join(programs, name), block.text);
  }
  const { stdout } = spawnSync(
    'npx',
    [
      ...['tsc', '--ignoreConfig', '--noEmit', '--allowJs', '--checkJs', '--skipLibCheck'],
      ...['--strict', 'false', '--module', 'nodenext', '--target', 'es2023'],
      ...[
        '--types',
        'node',
        '--pretty',
        'false',
        ...[...byName.keys()].map((name) => join(programs, name)),
      ],
    ],
    { cwd: root, encoding: 'utf8' },
  );
  for (const text of stdout.split('\n').filter((one) => one !== '')) {
    const found = /([\w-]+\.mjs)\((\d+),\d+\): (.*)$/.exec(text);
    const [, name = '', line, what = ''] = found ?? [];
    const block = byName.get(name);
    if (block !== undefined) report(block.file, block.line + Number(line), what);
    else if (!text.startsWith(' ')) report(root, 0, text);
  }
}

// ---------------------------------------------------------------------------- all of it

const { positionals } = readArguments(import.meta.url, { allowPositionals: true });
const files = positionals.length > 0 ? positionals.map((one) => resolve(one)) : markdownFiles();
const documents = files.map(parse);
rmSync(programs, { recursive: true, force: true });
mkdirSync(join(programs, 'node_modules', '@promptmq'), { recursive: true });
// Also those that the server doesn't need itself.
for (const { path, manifest } of publicPackages(root)) {
  symlinkSync(path, join(programs, 'node_modules', manifest.name), 'junction');
}
const counts = { run: 0, skipped: 0, configurations: 0 };
try {
  const isProgram = ({ language, options }: Block) =>
    language === 'js' && options['skip'] === undefined;
  checkTypes(documents.flatMap(({ blocks }) => blocks.filter(isProgram)));
  for (const document of documents) {
    checkLinks(document);
    const folder = makeWorld();
    for (const block of document.blocks) {
      const { language, options } = block;
      if (language === 'yaml' && options['skip'] === undefined) {
        checkYaml(block, folder);
        counts.configurations++;
      } else if (language === 'sh' || language === 'js') {
        if (options['skip'] === undefined) {
          await runBlock(block, folder);
          counts.run++;
        } else {
          if (language === 'sh') checkOptions(block);
          counts.skipped++;
        }
      }
    }
    rmSync(folder, { recursive: true });
  }
} finally {
  rmSync(programs, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
console.log(
  `${files.length} files: ${counts.run} blocks were run, ${counts.skipped} not, ${counts.configurations} configurations read; ${problems.length} problems`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
