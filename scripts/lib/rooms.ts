/** How the files of packages are laid out: which folder may import which, and how many files lie in one. */
import { dirname } from 'node:path/posix';
import { type ImportGraph, targetOf } from './import-graph.ts';

/**
 * By folder of packages/server/src ("room"): what it may import of other rooms. Each names rooms that stand before
 * it, and files of rooms that stand after it: those have types that both sides need, and import nothing of their own room
 * that would lead back. docs/architecture.md has this table.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  config: [],
  log: [],
  access: ['config'],
  service: ['config'],
  runtime: ['config', 'log'],
  limits: ['config', 'log', 'runtime'],
  hooks: ['config', 'log', 'runtime'],
  history: ['config', 'log', 'runtime'],
  tracing: ['config', 'history', 'log', 'runtime'],
  storage: ['config', 'log', 'runtime'],
  security: ['config', 'log', 'runtime', 'storage', 'connection/peer.ts'],
  sessions: ['access', 'config', 'runtime', 'storage', 'tracing', 'connection/peer.ts'],
  routing: [
    'config',
    'hooks',
    'runtime',
    'sessions',
    'storage',
    'tracing',
    'connection/output.ts',
    'connection/peer.ts',
  ],
  protocol: [
    'access',
    'config',
    'hooks',
    'limits',
    'log',
    'routing',
    'runtime',
    'security',
    'sessions',
    'storage',
    'tracing',
    'connection/connection-state.ts',
    'connection/peer.ts',
  ],
  connection: [
    'access',
    'config',
    'hooks',
    'limits',
    'log',
    'protocol',
    'routing',
    'runtime',
    'sessions',
    'tracing',
  ],
  listeners: ['config', 'limits', 'log', 'runtime', 'connection/transport.ts'],
  inside: [
    'config',
    'routing',
    'runtime',
    'sessions',
    'storage',
    'connection/peer.ts',
    'embed/calls/arguments.ts',
    'embed/calls/embed-error.ts',
  ],
  observability: [
    'config',
    'limits',
    'listeners',
    'log',
    'routing',
    'runtime',
    'security',
    'sessions',
    'tracing',
  ],
  monitor: ['config', 'listeners', 'log', 'observability', 'routing', 'runtime', 'sessions'],
  embed: [
    'access',
    'config',
    'history',
    'hooks',
    'inside',
    'limits',
    'listeners',
    'log',
    'monitor',
    'observability',
    'protocol',
    'runtime',
    'security',
    'service',
    'sessions',
    'storage',
    'tracing',
    'connection/congestion.ts',
    'connection/peer.ts',
    // What the program asks of a route.
    'routing/explanation.ts',
    'routing/reserved-topics.ts',
    // Loaded when a program wants it.
    'admin/admin.ts',
    'broker.ts',
  ],
  admin: [
    'config',
    'embed',
    'history',
    'limits',
    'listeners',
    'log',
    'monitor',
    'observability',
    'tracing',
  ],
  // Loaded where there are several cells.
  cluster: [
    'config',
    'connection',
    'listeners',
    'log',
    'observability',
    'routing',
    'runtime',
    'security',
    'sessions',
    'storage',
  ],
  testing: [
    'config',
    'embed',
    'inside',
    'limits',
    'listeners',
    'runtime',
    'connection/transport.ts',
  ],
  cli: [
    'access',
    'admin',
    'cluster',
    'config',
    'embed',
    'history',
    'listeners',
    'log',
    'runtime',
    'service',
    'testing',
    'broker.ts',
    // Which topics are the broker's own, for who asks the rules without one.
    'routing/reserved-topics.ts',
  ],
};

/** The same of packages/wal/src. docs/storage.md says what lies in each. */
const WAL_ROOMS: Readonly<Record<string, readonly string[]>> = {
  format: [],
  ports: ['format'],
  files: ['ports'],
  segments: ['format', 'ports'],
  index: ['files', 'format', 'ports'],
  open: ['files', 'format', 'index', 'ports', 'segments'],
  compaction: ['files', 'format', 'ports', 'segments'],
  log: ['compaction', 'files', 'format', 'index', 'open', 'ports', 'segments'],
  tools: ['files', 'format', 'index', 'open', 'ports', 'segments'],
  testing: ['format', 'log', 'ports'],
};

interface House {
  readonly rooms: Readonly<Record<string, readonly string[]>>;
  /** At the top of the package: they may import any room. */
  readonly topFiles: readonly string[];
  /** One of them that all may import. */
  readonly common: string;
}

/** By package, those whose folders are rooms. */
const HOUSES: Readonly<Record<string, House>> = {
  server: {
    rooms: ROOMS,
    topFiles: ['broker.ts', 'index.ts', 'version.ts'],
    common: 'version.ts',
  },
  wal: { rooms: WAL_ROOMS, topFiles: ['index.ts', 'invariant.ts'], common: 'invariant.ts' },
};

/** At most this number of files is seen at a glance. */
const FILES_MAX = 12;

/** Folders with more, and why. */
const LARGE_FOLDERS: Readonly<Record<string, string>> = {
  'codec/src/packets': 'a file a packet of the standard, and what they have in common',
  'codec/src/wire': 'the kinds of fields of the standard',
  'console/src/app': 'a file a helper of pages',
  'console/src/pages': 'a file a page',
  'conformance/src/cases': 'a file an area of the standard',
  'server/src/admin/routes': 'a file a resource',
  'server/src/cli': 'a file a command',
};

/** What of a package is imported against its table, or lies outside of its rooms. */
export function* roomFaults(packageName: string, graph: ImportGraph): Generator<string> {
  const house = HOUSES[packageName];
  if (house === undefined) return;
  const { rooms, topFiles, common } = house;
  for (const [file, imports] of graph) {
    const room = roomOf(file);
    if (room === null) {
      if (!topFiles.includes(file))
        yield `${file}: every file but ${topFiles.join(', ')} lies in a room`;
      continue;
    }
    const allowed = rooms[room];
    if (allowed === undefined) {
      yield `${file}: ${room} is not in the table of rooms (scripts/lib/rooms.ts)`;
      continue;
    }
    for (const { specifier, line } of imports) {
      const target = targetOf(file, specifier);
      if (!specifier.startsWith('.') || target === common || mayImport(room, allowed, target))
        continue;
      yield `${file}:${line}: ${room} may not import ${target}: see the table of rooms (scripts/lib/rooms.ts)`;
    }
  }
}

function mayImport(room: string, allowed: readonly string[], target: string): boolean {
  const other = roomOf(target);
  if (other === room || allowed.includes(target)) return true;
  return other !== null && allowed.includes(other);
}

/** @param folder - such as `server/src`; folders with too many files below it are named */
export function* crowdedFolders(folder: string, files: Iterable<string>): Generator<string> {
  const counts = new Map<string, number>();
  for (const file of files) {
    const path = `${folder}/${dirname(file)}`.replace(/\/\.$/, '');
    counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  for (const [path, count] of counts) {
    if (count <= FILES_MAX || path in LARGE_FOLDERS) continue;
    yield `packages/${path}: ${count} files; more than ${FILES_MAX} need folders, or a reason in scripts/lib/rooms.ts`;
  }
}

function roomOf(file: string): string | null {
  return file.includes('/') ? (file.split('/', 1)[0] as string) : null;
}
