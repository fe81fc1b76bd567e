/**
 * Packs what is published, and uses it as others will: in an empty npm project, from the tarballs.
 *
 *   node scripts check-packages [--built] [--keep] [--only WORD]
 *
 * --built packs what lies there compiled, where that was made of these sources from nothing: others may use it meanwhile.
 * --keep leaves the project there, and says where. With --only, the checks run whose names have the word, such as
 * `--only example`, after packing and installing.
 *
 * For each package: publint and are-the-types-wrong find nothing, nothing but what is needed is in the
 * tarball, nothing runs at installation, and the first example of its README runs. Then the broker is
 * started by npx and from its archive, a message goes through it, the conformance cases run against it, a TypeScript program
 * compiles, also with the oldest compiler that is supported, each with every way to resolve modules, the test of the server's README runs in
 * Jest, and every example runs: its script `check`, or `start` where it has none. With each version of Node.js that is supported
 * messages pass, storage survives a restart, and all packages can be required. Where its README has a block of `text`, that is what it prints.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { installArchive, makeArchive } from './lib/archive.ts';
import { readArguments } from './lib/arguments.ts';
import { run, start } from './lib/child.ts';
import { installNode, useWith } from './lib/consumers/node-versions.ts';
import { type Compiler, compileConsumers } from './lib/consumers/types.ts';
import { messageOf } from './lib/errors.ts';
import { buildConsole, root } from './lib/prepare.js';

const { values } = readArguments(import.meta.url, {
  options: {
    built: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const isWindows = process.platform === 'win32';

/** The oldest compiler whose users get types without an error. */
const TYPESCRIPT_LEAST = '5.4.5';

/** The oldest that packages say they are for, and the newest of later ones with long-term support. */
const NODE_VERSIONS = ['20.19.0', '22', '24'];

/** What may be in a tarball. */
const PACKED =
  /^package\/(package\.json|README\.md|LICENSE|bin\/[\w-]+\.js|(dist|src)\/[\w./-]+\.(js|ts|map)|dist\/web\/[\w-]+\.(html|js|css|svg|txt))$/;
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

const QUIET = ['--no-audit', '--no-fund', '--loglevel', 'error'];

const ANY_PORT = ['--bind', '127.0.0.1:0', '--ws-bind', 'none', '--metrics-bind', '127.0.0.1:0'];

/** What a user of MQTT.js writes first. */
const HELLO = `import mqtt from 'mqtt';

const client = await mqtt.connectAsync(process.argv[2], { protocolVersion: 5 });
const received = new Promise((resolve) => {
  client.on('message', (topic, payload) => resolve(\`\${topic}: \${payload}\`));
});
await client.subscribeAsync('hello/#', { qos: 1 });
await client.publishAsync('hello/world', 'Hi!', { qos: 1 });
console.log(await received);
await client.endAsync();
`;
/** What is looked at of a manifest. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Package {
  readonly name: string;
  readonly path: string;
  readonly manifest: Manifest;
}

const folder = mkdtempSync(join(tmpdir(), 'promptmq-packages-'));
const project = join(folder, 'project');
const { packageManager, devDependencies } = readJson(join(root, 'package.json')) as {
  readonly packageManager: string;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const packages: readonly Package[] = readdirSync(join(root, 'packages'))
  .map((name) => ({ name, path: join(root, 'packages', name) }))
  .filter(({ path }) => existsSync(join(path, 'package.json')))
  .map((entry) => ({ ...entry, manifest: readJson(join(entry.path, 'package.json')) as Manifest }))
  .filter(({ manifest }) => manifest.private !== true);
const examples = readdirSync(join(root, 'examples'))
  .filter((name) => existsSync(join(root, 'examples', name, 'package.json')))
  .map((name) => ({ name, manifest: manifestOfExample(name) }));

try {
  const tarballs = await step('packing', pack);
  for (const tarball of tarballs) await check(basename(tarball), () => checkTarball(tarball));
  await step('installing into an empty project', () => install(tarballs));
  await check('npx @promptmq/server in an empty folder', () => useInEmptyFolder(tarballs));
  await check('npx promptmq: publish and subscribe', publishAndSubscribe);
  if (!isWindows) await check('archive: publish and subscribe', useArchive);
  await check('npx promptmq-conformance: against the broker', runConformance);
  for (const [name, compiler] of compilers()) {
    await check(`types with TypeScript ${name}`, () => compileWith(compiler));
  }
  await check('test in Jest', runJest);
  for (const entry of packages) await check(`README of ${entry.name}`, () => runReadme(entry));
  for (const { name } of examples) await check(`example ${name}`, () => runExample(name));
  for (const version of NODE_VERSIONS) {
    await check(`with Node.js ${version}`, () => useWithNode(version));
  }
} catch (error) {
  console.error(`failed: ${messageOf(error)}`);
  process.exitCode = 1;
} finally {
  if (values.keep) console.log(`the project is in ${project}`);
  else rmSync(folder, { recursive: true, force: true });
}

/** A step that others don't need. */
async function check(name: string, work: () => void | Promise<void>): Promise<void> {
  if (name.includes(values.only)) await step(name, work);
}

async function step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const startedAt = Date.now();
  try {
    const result = await work();
    console.log(`ok: ${name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
    return result;
  } catch (error) {
    throw new Error(`${name}: ${messageOf(error)}`, { cause: error });
  }
}

async function pack(): Promise<string[]> {
  if (!values.built) {
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const projects = packages.map(({ path }) => path);
    await run(process.execPath, [compiler, '-b', '--force', ...projects], root);
    buildConsole();
  }
  const filters = packages.flatMap(({ manifest }) => ['--filter', manifest.name]);
  await run('npx', ['-y', packageManager, ...filters, 'pack', '--pack-destination', folder], root);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.tgz'))
    .map((name) => join(folder, name));
}

async function checkTarball(tarball: string): Promise<void> {
  const listed = (await run('tar', ['-tzf', basename(tarball)], folder)).trim().split(/\r?\n/);
  const unwanted = listed.filter((name) => !PACKED.test(name));
  if (unwanted.length > 0) throw new Error(`not needed in it: ${unwanted.join(', ')}`);
  for (const name of ['package/README.md', 'package/LICENSE']) {
    if (!listed.includes(name)) throw new Error(`${name} is missing`);
  }
  const stale = listed.filter((name) => {
    const source = name.replace('/dist/', '/src/').replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
    const isCompiled = name.startsWith('package/dist/') && !name.startsWith('package/dist/web/');
    return isCompiled && !listed.includes(source);
  });
  if (stale.length > 0) throw new Error(`built from what is gone: ${stale.join(', ')}`);

  const manifest = JSON.parse(
    await run('tar', ['-xzOf', basename(tarball), 'package/package.json'], folder),
  );
  const scripts = Object.keys(manifest.scripts ?? {}).filter((name) =>
    INSTALL_SCRIPTS.includes(name),
  );
  if (scripts.length > 0) throw new Error(`runs at installation: ${scripts.join(', ')}`);
  if (/"(workspace|catalog):/.test(JSON.stringify(manifest))) {
    throw new Error('names a dependency that only the workspace knows');
  }
  await run('npx', ['publint', 'run', tarball, '--strict'], root);
  await run('npx', ['attw', tarball, '--profile', 'esm-only', '--format', 'ascii'], root);
}

async function install(tarballs: readonly string[]): Promise<void> {
  // Without what the workspace installed for them: they are to use what this project has.
  const filter = (path: string) => basename(path) !== 'node_modules';
  cpSync(join(root, 'examples'), project, { recursive: true, filter });
  const { mqtt } = readCatalog();
  const tools = ['jest', '@jest/globals', '@types/node'];
  writeFileSync(
    join(project, 'package.json'),
    '{ "name": "foreign", "private": true, "type": "module" }\n',
  );
  writeFileSync(join(project, 'hello.mjs'), HELLO);
  const others = tools.map((name) => `${name}@${devDependencies[name]}`);
  others.push(`mqtt@${mqtt}`, `typescript@${TYPESCRIPT_LEAST}`, ...dependenciesOfExamples());
  await run('npm', ['install', ...QUIET, ...others, ...tarballs], project);
  for (const { manifest } of packages) {
    const installed = join(project, 'node_modules', ...manifest.name.split('/'));
    if (!existsSync(join(installed, 'package.json')))
      throw new Error(`${manifest.name} is missing`);
  }
}

/**
 * What examples need that this repository doesn't have, such as a framework, as npm is asked for it. One version of each
 * is in the project, so they are to agree on it.
 */
function dependenciesOfExamples(): string[] {
  const versions = new Map<string, string>();
  for (const { name, manifest } of examples) {
    for (const [dependency, version] of Object.entries(manifest.dependencies ?? {})) {
      if (dependency === 'mqtt' || dependency.startsWith('@promptmq/')) continue;
      if (!/^\d+\.\d+\.\d+$/.test(version)) {
        throw new Error(`example ${name}: ${dependency} ${version} is not an exact version`);
      }
      const other = versions.get(dependency);
      if (other !== undefined && other !== version) {
        throw new Error(`example ${name}: ${dependency} ${version}, another one has ${other}`);
      }
      versions.set(dependency, version);
    }
  }
  return [...versions].map((entry) => entry.join('@'));
}

/** The versions that the workspace uses, by name. */
function readCatalog(): Readonly<Record<string, string>> {
  const text = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  const section = text.split(/^catalog:\n/m)[1]?.split(/^\S/m)[0] ?? '';
  return Object.fromEntries(
    [...section.matchAll(/^ {2}"?([^":]+)"?: (\S+)$/gm)].map(([, name = '', version = '']) => [
      name,
      version,
    ]),
  );
}

/** The server alone, without the tools and clients that the project has. */
async function useInEmptyFolder(tarballs: readonly string[]): Promise<void> {
  const empty = mkdtempSync(join(folder, 'empty-'));
  const { dependencies = {} } = packages.find(({ name }) => name === 'server')?.manifest ?? {};
  const needed = ['@promptmq/server', ...Object.keys(dependencies)].map((name) =>
    name.replace('@promptmq/', 'promptmq-'),
  );
  const chosen = tarballs.filter((path) =>
    needed.some((name) => basename(path).startsWith(`${name}-`)),
  );
  await run('npm', ['install', '--prefer-offline', ...QUIET, ...chosen], empty);
  await withBroker(sayHello, ['npx', '@promptmq/server'], empty);
}

async function publishAndSubscribe() {
  const version = (await run('npx', ['promptmq', '--version'], project)).trim();
  const expected = packages.find(({ name }) => name === 'server')?.manifest.version;
  if (version !== expected) throw new Error(`version ${version} instead of ${expected}`);
  await withBroker(async (address, metrics) => {
    await sayHello(address);
    const ready = await fetch(`http://${metrics}/ready`);
    if (ready.status !== 200) throw new Error(`not ready: ${await ready.text()}`);
  });
}

/** All cases that a broker can be asked for as it is; the server isn't needed for that where it is installed. */
async function runConformance() {
  const report = join(project, 'report.json');
  await withBroker(async (address) => {
    await run('npx', ['promptmq-conformance', '--target', address, '--report', report], project);
  });
  const { passed, failed } = readJson(report) as { passed: number; failed: number };
  if (passed < 300 || failed > 0) throw new Error(`${passed} passed, ${failed} failed`);
  const manifest = readJson(join(project, 'node_modules/@promptmq/conformance/package.json'));
  const { dependencies } = manifest as { dependencies: Readonly<Record<string, string>> };
  const own = Object.keys(dependencies).filter((name) => name.startsWith('@promptmq/'));
  if (own.length > 0) throw new Error(`it needs ${own.join(', ')}`);
}

async function sayHello(address: string): Promise<void> {
  const output = await run(process.execPath, ['hello.mjs', `mqtt://${address}`], project);
  if (!output.includes('hello/world: Hi!')) throw new Error(`no message: ${output}`);
}

/** The archive, unpacked where nothing of the repository is. */
async function useArchive() {
  const command = installArchive(makeArchive(root, folder), join(folder, 'prefix'));
  await withBroker(sayHello, [command], mkdtempSync(join(folder, 'broker-')));
}

function compilers(): [string, Compiler][] {
  const path = join('node_modules', 'typescript', 'bin', 'tsc');
  const { version } = readJson(join(root, 'node_modules/typescript/package.json')) as Manifest;
  return [
    [version, { path: join(root, path), isOldest: false }],
    [TYPESCRIPT_LEAST, { path: join(project, path), isOldest: true }],
  ];
}

/** As the README of the server says, with Jest's defaults. */
async function runJest() {
  const readme = readFileSync(join(root, 'packages', 'server', 'README.md'), 'utf8');
  const [, example = ''] = /^```js skip=jest\n([\s\S]*?)^```$/m.exec(readme) ?? [];
  writeFileSync(join(project, 'broker.test.mjs'), example);
  const jest = join(project, 'node_modules', 'jest', 'bin', 'jest.js');
  const flags = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'];
  await run(process.execPath, [...flags, jest, '--config', '{}', 'broker.test.mjs'], project);
}

/** Programs in TypeScript that use all packages, with each way to resolve modules, with and without @types/node. */
async function compileWith(compiler: Compiler): Promise<void> {
  await compileConsumers(
    compiler,
    project,
    packages.flatMap(({ manifest }) => entriesOf(manifest)),
  );
}

/** What of a package can be imported: itself, and its subpaths with types. */
function entriesOf({ name, exports }: Manifest): string[] {
  return Object.entries(exports)
    .filter(([, entry]) => typeof entry === 'object')
    .map(([subpath]) => `${name}${subpath.slice(1)}`);
}

/** The first example of a README is complete: it runs as it stands, with a broker if it names one. */
async function runReadme({ name, path }: Package): Promise<void> {
  const readme = readFileSync(join(path, 'README.md'), 'utf8');
  const example = /^```js.*\n([\s\S]*?)^```$/m.exec(readme)?.[1];
  if (example === undefined) throw new Error('no example in it');
  const file = `readme-${name}.mjs`;
  const local = /(localhost|127\.0\.0\.1):1883/g;
  if (!local.test(example)) {
    writeFileSync(join(project, file), example);
    await run(process.execPath, [file], project);
    return;
  }
  await withBroker(async (address) => {
    writeFileSync(join(project, file), example.replaceAll(local, address));
    await run(process.execPath, [file], project);
  });
}

/** Runs a broker for as long as `use` takes. */
async function withBroker(
  use: (mqtt: string, metrics: string) => Promise<void>,
  [command, ...first]: readonly [string, ...string[]] = ['npx', 'promptmq'],
  cwd = project,
): Promise<void> {
  const broker = start(command, [...first, ...ANY_PORT, '--log-format', 'json'], cwd);
  try {
    const mqtt = await broker.waitFor(/"protocol":"mqtt","address":"([^"]+)"/);
    const metrics = await broker.waitFor(/"protocol":"http","address":"([^"]+)"/);
    await use(mqtt, metrics);
  } finally {
    await broker.stop();
  }
}

async function runExample(name: string): Promise<void> {
  const folder = join(project, name);
  if (name === 'codec-sniffer') {
    await runSniffer(join(folder, 'codec-sniffer.mjs'));
    return;
  }
  const { scripts = {} } = manifestOfExample(name);
  const script = 'check' in scripts ? 'check' : 'start';
  const output = await run('npm', ['run', '--silent', script], folder);
  const readme = join(folder, 'README.md');
  if (!existsSync(readme)) return;
  const [, expected] = /^```text\n([\s\S]*?)^```$/m.exec(readFileSync(readme, 'utf8')) ?? [];
  if (expected !== undefined && output.replaceAll('\r', '') !== expected) {
    throw new Error(`it printed\n${output}instead of what its README says:\n${expected}`);
  }
}

/** Messages, storage, what `require` does, and the example of embedding. */
async function useWithNode(version: string): Promise<void> {
  const node = await installNode(version, mkdtempSync(join(folder, 'node-')));
  await useWith(
    node,
    project,
    packages.flatMap(({ manifest }) => entriesOf(manifest)),
  );
  await run(node, ['embedded-broker.mjs'], join(project, 'embedded-broker'));
}

function manifestOfExample(name: string): Manifest {
  return readJson(join(root, 'examples', name, 'package.json')) as Manifest;
}

/** It runs until it is stopped: a client's packets go through it, and are shown. */
async function runSniffer(main: string): Promise<void> {
  await withBroker(async (address) => {
    const sniffer = start(process.execPath, [main, '0', address], project);
    try {
      const port = await sniffer.waitFor(/listening on (\d+)/);
      await run(process.execPath, ['hello.mjs', `mqtt://127.0.0.1:${port}`], project);
      await sniffer.waitFor(/> (publish) .*hello\/world/);
    } finally {
      await sniffer.stop();
    }
  });
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
