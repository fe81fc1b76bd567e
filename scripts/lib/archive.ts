/** The broker with all that it needs but Node.js, in one archive for the platform that this runs on. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { currentVersion } from './release.ts';

const isWindows = process.platform === 'win32';

/** Such as promptmq-1.2.3-linux-x64; lmdb's binary makes the difference. */
export function archiveName(root: string): string {
  return `promptmq-${currentVersion(root)}-${process.platform}-${process.arch}`;
}

/**
 * Makes the archive of what has been built.
 *
 * @returns its path in `folder`
 */
export function makeArchive(root: string, folder: string): string {
  const temporary = mkdtempSync(join(tmpdir(), 'promptmq-archive-'));
  try {
    const top = join(temporary, archiveName(root));
    fillFolder(root, top);
    mkdirSync(folder, { recursive: true });
    const archive = join(folder, `${basename(top)}.tar.gz`);
    execute('tar', ['-czf', archive, '-C', temporary, basename(top)], root);
    return archive;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** bin/promptmq, lib with the packages, and what somebody who installs it wants to look at. */
function fillFolder(root: string, top: string): void {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const lib = join(top, 'lib');
  // Without links among the packages, which not everything that unpacks archives can make.
  const options = ['--prod', '--legacy', '--prefer-offline', '--config.node-linker=hoisted'];
  const deploy = ['--filter', '@promptmq/server', 'deploy', ...options, lib];
  execute('npx', ['-y', packageManager, ...deploy], root);
  for (const file of readdirSync(lib, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.map')) rmSync(join(lib, file), { force: true });
  }
  mkdirSync(join(top, 'bin'));
  if (isWindows) {
    const launcher = '@node "%~dp0..\\lib\\bin\\promptmq.js" %*\r\n';
    writeFileSync(join(top, 'bin', 'promptmq.cmd'), launcher);
  } else {
    symlinkSync('../lib/bin/promptmq.js', join(top, 'bin', 'promptmq'));
  }
  for (const name of ['LICENSE', 'CHANGELOG.md']) cpSync(join(root, name), join(top, name));
  for (const name of ['config', 'systemd']) {
    cpSync(join(root, 'examples', name), join(top, 'examples', name), { recursive: true });
  }
}

/**
 * Unpacks an archive to PREFIX/lib/promptmq, in place of what is there, and links PREFIX/bin/promptmq to its command.
 *
 * @returns the path of the command
 */
export function installArchive(archive: string, prefix: string): string {
  if (isWindows) throw new Error('on Windows, unpack the archive and put its bin into the PATH');
  const target = join(prefix, 'lib', 'promptmq');
  const command = join(prefix, 'bin', 'promptmq');
  const unpacked = `${target}.new`;
  for (const folder of [unpacked, dirname(command)]) mkdirSync(folder, { recursive: true });
  execute('tar', ['-xzf', archive, '-C', unpacked, '--strip-components', '1'], prefix);
  rmSync(target, { recursive: true, force: true });
  execute('mv', [unpacked, target], prefix);
  rmSync(command, { force: true });
  symlinkSync('../lib/promptmq/bin/promptmq', command);
  return command;
}

/** Removes what `build`, `package` and `archive` have made. */
export function clean(root: string): void {
  const packages = readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(root, 'packages', name));
  const made = [join(root, 'release'), ...packages.map((path) => join(path, 'dist'))];
  for (const path of [...packages, join(root, 'packages')]) {
    const information = readdirSync(path).filter((name) => name.endsWith('.tsbuildinfo'));
    made.push(...information.map((name) => join(path, name)));
  }
  for (const path of made) rmSync(path, { recursive: true, force: true });
}

function execute(command: string, args: readonly string[], cwd: string): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    shell: isWindows && command === 'npx',
  });
  if (status === 0) return;
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim();
  throw new Error(`${command} ${args.join(' ')}: ${said || error?.message}`);
}
