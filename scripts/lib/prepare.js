/** What scripts need before they begin: installing and building what is missing, at most once. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The file that runs scripts, for whoever starts one in a process or thread of its own. */
export const launcher = join(root, 'scripts', 'index.js');

/** Installs the dependencies when there are none, or when the lock file is newer. */
export function installIfNeeded() {
  const marker = join(root, 'node_modules', '.modules.yaml');
  const lockFile = join(root, 'pnpm-lock.yaml');
  if (existsSync(marker) && statSync(marker).mtimeMs >= statSync(lockFile).mtimeMs) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const args = ['-y', packageManager, 'install', '--frozen-lockfile'];
  runAloud('installing dependencies, a minute or so', 'npx', args, QUICK_FAILURE, NO_REGISTRY);
  // pnpm leaves it as it is when there was nothing to do.
  utimesSync(marker, new Date(), new Date());
}

/** npm waits five minutes for a registry that doesn't answer, and tries again twice, without a word. */
const QUICK_FAILURE = {
  npm_config_fetch_timeout: '20000',
  npm_config_fetch_retries: '1',
  npm_config_fetch_retry_mintimeout: '1000',
  npm_config_fetch_retry_maxtimeout: '2000',
};

const NO_REGISTRY =
  'is the registry of npm packages reachable? `npm config get registry` says which it is, `npm ping` whether it answers; HTTPS_PROXY names a proxy';

/**
 * Runs a command that may take long, with its output as it comes.
 *
 * @param {string} what - is being done
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} environment
 * @param {string} hint - for when it fails
 */
function runAloud(what, command, args, environment, hint) {
  console.error(`promptmq: ${what} …`);
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...environment },
    // What it says is no output of the program that is started then.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  console.error(`promptmq: ${what} failed: ${error?.message ?? `exit code ${status}`}`);
  console.error(`promptmq: ${hint}`);
  process.exit(1);
}

/**
 * Compiles when a source is newer than what was compiled last.
 *
 * @param {readonly string[]} names - of packages; those that they import are compiled, too
 */
export function buildIfNeeded(names = ['server']) {
  buildConsoleIfNeeded();
  const newest = newestSource();
  /** @param {string} name */
  const entryOf = (name) => join(root, 'packages', name, 'dist', 'index.js');
  const missing = names.filter((name) => {
    const built = entryOf(name);
    return !existsSync(built) || statSync(built).mtimeMs < newest;
  });
  if (missing.length === 0) return;
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const projects = missing.map((name) => `packages/${name}`);
  run('building', process.execPath, [compiler, '-b', ...projects]);
  // The compiler doesn't write what is as before: by this file it is known next time that all is built.
  const now = new Date();
  for (const name of missing) utimesSync(entryOf(name), now, now);
}

/** Builds what browsers get of the console, whatever is there. */
export function buildConsole() {
  run('building the console', process.execPath, [join(consoleFolder, 'build.js')]);
}

const consoleFolder = join(root, 'packages', 'console');

function buildConsoleIfNeeded() {
  // The last file that is written.
  const built = join(consoleFolder, 'dist', 'web', 'console.js');
  const builtMs = existsSync(built) ? statSync(built).mtimeMs : 0;
  const script = statSync(join(consoleFolder, 'build.js')).mtimeMs;
  if (builtMs >= Math.max(script, newestIn(join(consoleFolder, 'src')))) return;
  buildConsole();
}

function newestSource() {
  let newest = 0;
  for (const name of readdirSync(join(root, 'packages'))) {
    const source = join(root, 'packages', name, 'src');
    if (existsSync(source)) newest = Math.max(newest, newestIn(source));
  }
  return newest;
}

/**
 * @param {string} source
 * @returns when something in a folder changed last
 */
function newestIn(source) {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  return files.reduce((newest, file) => Math.max(newest, statSync(join(source, file)).mtimeMs), 0);
}

/**
 * Runs a command, showing its output only if it fails; then ends this process with one clear line.
 *
 * @param {string} what - is being done
 * @param {string} command
 * @param {readonly string[]} args
 */
export function run(what, command, args) {
  console.error(`promptmq: ${what} …`);
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    // npx is a script of its own on Windows.
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  console.error(`promptmq: ${what} failed: ${error?.message ?? `exit code ${status}`}`);
  process.exit(1);
}
