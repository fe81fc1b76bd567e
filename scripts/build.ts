/** What there is to do with the repository, in one place: `node scripts build --help`. */
import { spawn, spawnSync } from 'node:child_process';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { clean, installArchive, makeArchive } from './lib/archive.ts';
import { messageOf } from './lib/errors.ts';
import { buildConsole, root, run } from './lib/prepare.js';
import {
  currentVersion,
  packAll,
  prepareRelease,
  publicPackages,
  withRepository,
  writeSums,
} from './lib/release.ts';

const node = process.execPath;
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const RELEASE_FOLDER = join(root, 'release');

interface Command {
  readonly what: string;
  readonly run: (args: string[]) => void | Promise<void>;
}

const commands: Readonly<Record<string, Command>> = {
  build: {
    what: 'compile all packages',
    run() {
      pass(node, [compiler, '-b', 'packages']);
      buildConsole();
    },
  },
  'build-all': {
    what: 'compile all from nothing, then pack the packages and the archive of this platform into release/',
    run() {
      clean(root);
      pass(node, [compiler, '-b', 'packages']);
      buildConsole();
      for (const name of packAll(root, RELEASE_FOLDER)) console.log(join('release', name));
      archive();
    },
  },
  archive: {
    what: 'make the archive of this platform in release/: the broker with all that it needs but Node.js',
    run() {
      buildPublished();
      archive();
    },
  },
  install: {
    what: 'install the command promptmq on this machine: install [--prefix /usr/local]',
    run(args) {
      const options = { prefix: { type: 'string', default: '/usr/local' } } as const;
      const { prefix } = parseArgs({ args, options }).values;
      buildPublished();
      console.log(installArchive(archive(), resolve(prefix)));
    },
  },
  clean: {
    what: 'remove what was compiled and packed',
    run: () => clean(root),
  },
  test: {
    what: 'run all tests, or those that jest is told: test packages/codec',
    run: (args) => pass(node, ['scripts', 'test', ...args]),
  },
  benchmark: {
    what: 'measure this broker and its peers, and what metrics cost; options go to node scripts bench/compare',
    run(args) {
      pass(node, [compiler, '-b', 'packages/server', 'packages/bench']);
      pass(node, ['scripts', 'bench/compare', ...args]);
      pass(node, ['scripts', 'bench/metrics-cost']);
    },
  },
  lint: {
    what: 'check style, format and the imports between packages',
    run: () => pass('npm', ['run', '--silent', 'lint']),
  },
  ci: {
    what: 'do what CI does on Linux',
    run: () => pass('bash', ['.ci/run']),
  },
  package: {
    what: 'pack the packages into release/, with checksums and release notes; --repository URL names it in them',
    run(args) {
      const { repository } = parseArgs({
        args,
        options: { repository: { type: 'string' } },
      }).values;
      buildPublished();
      const pack = () => packAll(root, RELEASE_FOLDER);
      const names = repository === undefined ? pack() : withRepository(root, repository, pack);
      for (const name of names) console.log(join('release', name));
    },
  },
  check: {
    what: 'pack the packages, and use them in an empty project as others will',
    run: (args) => pass(node, ['scripts', 'check-packages', ...args]),
  },
  release: {
    what: 'release VERSION: set it everywhere, and date the changelog; pushing the tag vVERSION publishes',
    run([version]) {
      if (version === undefined) {
        throw new Error(`release needs a version; the present one is ${currentVersion(root)}`);
      }
      prepareRelease(root, version, new Date().toISOString().slice(0, 10));
      console.log(`now commit, tag it v${version}, and push the tag`);
    },
  },
  dev: {
    what: 'run the broker, and start it again when a source changes; options go to the broker',
    run: (args) => develop(args),
  },
  docker: {
    what: 'build the image promptmq:local; options go to docker build',
    run: (args) =>
      pass('docker', ['build', '-f', 'docker/Dockerfile', '-t', 'promptmq:local', ...args, '.']),
  },
};

const [name, ...args] = process.argv.slice(2);
if (name === undefined || name === '--help' || name === '-h') {
  console.log('node scripts build COMMAND [options]\n');
  for (const [command, { what }] of Object.entries(commands)) {
    console.log(`  ${command.padEnd(10)} ${what}`);
  }
} else {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    fail(`no command ${name}; there are ${Object.keys(commands).join(', ')}`, 2);
  }
  try {
    await command.run(args);
  } catch (error) {
    fail(messageOf(error), 1);
  }
}

/** Compiles what is published, whatever is there. */
function buildPublished(): void {
  pass(node, [compiler, '-b', '--force', ...publicPackages(root).map(({ path }) => path)]);
  buildConsole();
}

/** @returns the path of the archive */
function archive(): string {
  const path = makeArchive(root, RELEASE_FOLDER);
  writeSums(RELEASE_FOLDER);
  console.log(relative(root, path));
  return path;
}

/** Runs a command in the open; ends with its exit code when that isn't 0. */
function pass(command: string, commandArgs: readonly string[]): void {
  const { status, error } = spawnSync(command, commandArgs, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (error !== undefined) fail(`${command}: ${error.message}`, 1);
  if (status !== 0) process.exit(status ?? 1);
}

/** The compiler and the broker side by side, until one is interrupted. */
async function develop(brokerArgs: readonly string[]): Promise<void> {
  run('building', node, [compiler, '-b', 'packages/server']);
  buildConsole();
  // Groups of their own: the compiler is a process that starts another.
  const isGroup = process.platform !== 'win32';
  const options = { cwd: root, stdio: 'inherit', detached: isGroup } as const;
  const children = [
    spawn(node, [compiler, '-b', '--watch', '--preserveWatchOutput', 'packages/server'], options),
    spawn(
      node,
      ['--watch', '--watch-preserve-output', 'packages/server/bin/promptmq.js', ...brokerArgs],
      options,
    ),
  ];
  const stop = () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      if (isGroup) process.kill(-(child.pid as number), 'SIGTERM');
      else child.kill('SIGTERM');
    }
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  await Promise.race(children.map((child) => new Promise((resolve) => child.on('close', resolve))));
  stop();
}

function fail(message: string, exitCode: number): never {
  console.error(`promptmq: ${message}`);
  process.exit(exitCode);
}
