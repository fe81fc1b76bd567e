import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { type StaticFile, staticFile } from './static-answer.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};

/** The console has few; what somebody else put there isn't held. */
const FILES_MAX = 100;
const FILE_BYTES_MAX = 8_388_608;

/** By path, such as `/main.js`; `/` is the page itself. Nothing else of the disk can be asked for. */
export type ConsoleFiles = ReadonlyMap<string, StaticFile>;

/** Reads the console that was built; empty where there is none. */
export async function readConsole(given?: string): Promise<ConsoleFiles> {
  const files = new Map<string, StaticFile>();
  const folder = given ?? (await consoleFolder());
  if (folder === null) return files;
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined || files.size >= FILES_MAX) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    if (bytes.length > FILE_BYTES_MAX) continue;
    const name = `/${relative(folder, path).replaceAll('\\', '/')}`;
    files.set(name === '/index.html' ? '/' : name, await staticFile(type, bytes));
  }
  return files;
}

/** Where the package of the console has what was built; null where it isn't installed. */
async function consoleFolder(): Promise<string | null> {
  try {
    return (await import('@promptmq/console')).consoleDirectory;
  } catch {
    return null;
  }
}
