/** What a release is made of: one version for all packages, a section of the changelog, tarballs. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The manifest of a package, as far as a release looks at it. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  /** A path, or the file of declarations and the compiled one. */
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
}

const VERSION = /^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/;

/** The packages that are published, each with its manifest. */
export function publicPackages(
  root: string,
): readonly { readonly path: string; readonly manifest: Manifest }[] {
  return readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name))
    .filter((path) => existsSync(join(path, 'package.json')))
    .map((path) => ({ path, manifest: readJson(join(path, 'package.json')) as Manifest }))
    .filter(({ manifest }) => manifest.private !== true);
}

/** The version that all packages have; throws when they differ. */
export function currentVersion(root: string): string {
  const versions = new Set(publicPackages(root).map(({ manifest }) => manifest.version));
  const [version, ...others] = versions;
  if (version === undefined || others.length > 0) {
    throw new Error(`the packages differ: ${[...versions].join(', ')}`);
  }
  return version;
}

/**
 * Gives all packages a version, and the unreleased changes its name and the date.
 *
 * @param date - such as 2027-01-31
 */
export function prepareRelease(root: string, version: string, date: string): void {
  if (!VERSION.test(version)) throw new Error(`${version} is not a version such as 1.2.3`);
  const path = join(root, 'CHANGELOG.md');
  const changelog = readFileSync(path, 'utf8');
  if (changelog.includes(`\n## ${version} `))
    throw new Error(`${version} is in CHANGELOG.md already`);
  if (notesOf(changelog, 'Unreleased') === '')
    throw new Error('CHANGELOG.md has nothing unreleased');
  const packages = publicPackages(root);
  for (const { path: folder } of packages) {
    const file = join(folder, 'package.json');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/^ {2}"version": "[^"]*"/m, `  "version": "${version}"`));
  }
  const title = `## Unreleased\n\n## ${version} (${date})`;
  writeFileSync(path, changelog.replace('## Unreleased', title));
}

/** What the changelog says of a version, or under `Unreleased`; empty when it says nothing. */
export function notesOf(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.split(/[\s(]/, 1)[0] === version);
  return section === undefined ? '' : section.slice(section.indexOf('\n')).trim();
}

/**
 * While `work` runs, the manifests of all packages name the repository that they come from; a provenance statement is
 * refused without it. Where that is, only whoever publishes knows.
 *
 * @param url - such as https://HOST/OWNER/NAME
 */
export function withRepository<T>(root: string, url: string, work: () => T): T {
  const texts = new Map<string, string>();
  try {
    for (const { path, manifest } of publicPackages(root)) {
      const file = join(path, 'package.json');
      texts.set(file, readFileSync(file, 'utf8'));
      const directory = `packages/${basename(path)}`;
      const repository = { type: 'git', url: `git+${url}.git`, directory };
      writeFileSync(file, `${JSON.stringify({ ...manifest, repository }, null, 2)}\n`);
    }
    return work();
  } finally {
    for (const [file, text] of texts) writeFileSync(file, text);
  }
}

/**
 * Packs all packages into an empty folder, with SHA256SUMS and, as NOTES.md, what the changelog says.
 *
 * @returns the names of the files
 */
export function packAll(root: string, folder: string): string[] {
  const { packageManager } = readJson(join(root, 'package.json')) as { packageManager: string };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { path, manifest } of publicPackages(root)) {
    const args = ['-y', packageManager, 'pack', '--pack-destination', folder];
    const { status, stderr, stdout } = spawnSync('npx', args, {
      cwd: path,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    if (status !== 0) throw new Error(`packing ${manifest.name} failed: ${stdout}${stderr}`);
  }
  const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  writeSums(folder);
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const notes = notesOf(changelog, currentVersion(root)) || notesOf(changelog, 'Unreleased');
  writeFileSync(join(folder, 'NOTES.md'), `${notes}\n`);
  return [...tarballs, 'SHA256SUMS', 'NOTES.md'];
}

/** Writes SHA256SUMS for the packages and archives in a folder, as `sha256sum --check` reads it. */
export function writeSums(folder: string): void {
  const names = readdirSync(folder).filter((name) => /\.(tgz|tar\.gz)$/.test(name));
  const sums = names.map((name) => {
    const hash = createHash('sha256').update(readFileSync(join(folder, name)));
    return `${hash.digest('hex')}  ${name}\n`;
  });
  writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
