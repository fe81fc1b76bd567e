import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { ConfigOption } from '../options.ts';
import type { ConfigProblem } from '../parse.ts';
import { mapItems } from '../values/objects.ts';
import type { ValueKind } from '../values/units.ts';
import type { SourcedValue } from './file-source.ts';

/** Words that stand in the place of a path. */
const NO_PATHS: readonly unknown[] = ['', 'none', 'auto'];

/** Folders that the broker makes: one that isn't there yet is no mistake. */
const MADE: readonly string[] = ['storage.data-dir', 'storage.wal-dir'];

/** Files that have to be there. */
const READ: readonly string[] = [
  'server.tls.cert',
  'server.tls.key',
  'server.tls.ca',
  'admin.tls-cert',
  'admin.tls-key',
  'auth.password-file',
  'auth.acl-file',
];

/** Something of the broker's that is where its path led before paths in files were relative to the file. */
export interface LeftBehind {
  readonly key: string;
  /** Where it is looked for. */
  readonly path: string;
  /** Where it is. */
  readonly former: string;
}

/**
 * The value of an option as a file has it, with paths that are relative to the file's folder made whole. So it is the same
 * files wherever a command is started that names the configuration.
 *
 * @param folder - of the file
 * @param workingDirectory - when it is the file's folder, values stay as they are written; null: never
 */
export function withWholePaths(
  { key, kind }: ConfigOption,
  value: unknown,
  folder: string,
  workingDirectory: string | null,
): unknown {
  if (workingDirectory !== null && resolve(folder) === resolve(workingDirectory)) return value;
  if (key === 'server.admin-socket' || key === 'admin.key-file') return wholePath(value, folder);
  return wholeValue(kind, value, folder);
}

function wholeValue(kind: ValueKind, value: unknown, folder: string): unknown {
  if (kind.kind === 'path') return wholePath(value, folder);
  if (kind.kind === 'objects') {
    return mapItems(kind, value, (inner, leaf) => wholeValue(leaf.kind, inner, folder));
  }
  if (kind.kind !== 'addresses') return value;
  if (Array.isArray(value)) return value.map((item) => wholeAddress(item, folder));
  if (typeof value !== 'string') return value;
  return value
    .split(',')
    .map((item) => wholeAddress(item.trim(), folder))
    .join(',');
}

function wholePath(value: unknown, folder: string): unknown {
  if (typeof value !== 'string' || NO_PATHS.includes(value)) return value;
  return isAbsolute(value) ? value : resolve(folder, value);
}

function wholeAddress(value: unknown, folder: string): unknown {
  const path = typeof value === 'string' ? /^unix:(.+)/.exec(value)?.[1] : undefined;
  return path === undefined ? value : `unix:${wholePath(path, folder)}`;
}

/** Data that would be left where the broker had it, when a value of a file leads elsewhere than before. */
export function leftBehind(
  { key, value }: SourcedValue,
  path: unknown,
  workingDirectory: string,
): LeftBehind | null {
  if (path === value || typeof value !== 'string' || typeof path !== 'string') return null;
  const former = resolve(workingDirectory, value);
  const isLeft = MADE.includes(key) && !existsSync(path) && existsSync(former);
  return isLeft ? { key, path, former } : null;
}

/** The same for a file that has to be there: it isn't, and was. */
export function missing(
  { key, value, source }: SourcedValue,
  path: unknown,
  workingDirectory: string,
): ConfigProblem | null {
  if (path === value || typeof value !== 'string' || typeof path !== 'string') return null;
  const former = resolve(workingDirectory, value);
  if (!READ.includes(key) || existsSync(path) || !existsSync(former)) return null;
  const message = `a path in a file is relative to the folder of that file: ${path} isn't there, but ${former} is; move it, or write that`;
  return { key, source, message };
}
