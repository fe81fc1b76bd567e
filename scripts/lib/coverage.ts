/**
 * What the tests reach of the sources, from the raw coverage that V8 writes for each process (NODE_V8_COVERAGE). Tests run
 * the sources as Jest compiles them, and processes of their own what tsc has compiled: both are mapped to lines of the
 * sources, and a line is reached when either is.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodedMappings, TraceMap } from '@jridgewell/trace-mapping';
import { createTransformer } from '@swc/jest';

/** A file of the sources. */
export interface FileCoverage {
  /** From the root of the repository. */
  readonly path: string;
  /** Lines on which something can be run, ascending. */
  readonly lines: readonly number[];
  /** Those of them of which no test runs anything. */
  readonly missed: readonly number[];
}

export interface Coverage {
  /** All that have something to run, in order. */
  readonly files: readonly FileCoverage[];
  /** Scripts that were other code than what is there now, and are left out: how often one was run. */
  readonly foreignCount: number;
}

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly {
      readonly startOffset: number;
      readonly endOffset: number;
      readonly count: number;
    }[];
  }[];
}

/** A file as it is run, with a byte for each character: 1 where something ran. */
interface Compiled {
  readonly code: string;
  readonly map: string;
  /** Of the source, from the root. */
  readonly source: string;
  readonly reached: Uint8Array;
}

type Process = NonNullable<ReturnType<typeof createTransformer>['process']>;

const FILE = /^packages\/([^/]+)\/(src|dist)\/(.+)\.(ts|js)$/;

/**
 * @param root - of the repository
 * @param raw - the folder with the files that V8 wrote
 */
export function readCoverage(root: string, raw: string): Coverage {
  const compiled = new CompiledFiles(root);
  let foreignCount = 0;
  for (const [path, script] of scriptsIn(root, raw)) {
    const file = compiled.get(path);
    if (file === null || !isOf(file, script)) foreignCount++;
    else addReached(file, script);
  }

  /** By source, whether something was run of its lines. */
  const lines = new Map<string, Map<number, boolean>>();
  for (const path of sourcesOf(root)) {
    compiled.get(path);
    lines.set(path, new Map());
  }
  for (const file of compiled.all()) {
    const found = lines.get(file.source);
    if (found !== undefined) addLines(file, found);
  }
  const files = [...lines].map(([path, found]) => {
    const numbers = [...found.keys()].sort((a, b) => a - b);
    return { path, lines: numbers, missed: numbers.filter((line) => found.get(line) === false) };
  });
  return { files: files.filter((file) => file.lines.length > 0), foreignCount };
}

/** The scripts of the packages that processes ran, each with its path. */
function* scriptsIn(root: string, raw: string): Generator<[path: string, script: ScriptCoverage]> {
  for (const name of readdirSync(raw)) {
    const { result } = JSON.parse(readFileSync(join(raw, name), 'utf8')) as {
      readonly result: readonly ScriptCoverage[];
    };
    for (const script of result) {
      if (!script.url.startsWith('file://')) continue;
      const path = relative(root, fileURLToPath(script.url)).replaceAll('\\', '/');
      if (FILE.test(path)) yield [path, script];
    }
  }
}

/** The files of the packages as they are run, each read once. */
class CompiledFiles {
  readonly #root: string;
  readonly #files: Map<string, Compiled | null>;
  readonly #compileAsJest: Process;

  constructor(root: string) {
    const { jest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const [, options] = jest.transform['\\.ts$'];
    this.#root = root;
    this.#files = new Map();
    this.#compileAsJest = createTransformer(options).process as Process;
  }

  /** Null when it is there no more. */
  get(path: string): Compiled | null {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = path.endsWith('.ts') ? this.#compile(path) : this.#readBuilt(path);
      this.#files.set(path, file);
    }
    return file;
  }

  /** All that were asked for and are there. */
  *all(): Generator<Compiled> {
    for (const file of this.#files.values()) if (file !== null) yield file;
  }

  #compile(path: string): Compiled | null {
    const whole = join(this.#root, path);
    if (!existsSync(whole)) return null;
    // It asks the options only for this.
    const options = { supportsStaticESM: true } as Parameters<Process>[2];
    const { code } = this.#compileAsJest(readFileSync(whole, 'utf8'), whole, options);
    const [, encoded = ''] = /sourceMappingURL=data:application\/json;[^,]*,(\S+)/.exec(code) ?? [];
    const map = Buffer.from(encoded, 'base64').toString();
    return { code, map, source: path, reached: new Uint8Array(code.length) };
  }

  #readBuilt(path: string): Compiled | null {
    const whole = join(this.#root, path);
    if (!existsSync(`${whole}.map`)) return null;
    const code = readFileSync(whole, 'utf8');
    const map = readFileSync(`${whole}.map`, 'utf8');
    const source = path.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
    return { code, map, source, reached: new Uint8Array(code.length) };
  }
}

/** What only browsers run: nothing here sees what they reach of it. */
const IN_BROWSERS = /^packages\/console\/src\/(app|pages|parts)\//;

function sourcesOf(root: string): string[] {
  return readdirSync(join(root, 'packages')).flatMap((name) => {
    const folder = join(root, 'packages', name, 'src');
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .sort()
      .map((file) => `packages/${name}/src/${file.replaceAll('\\', '/')}`)
      .filter((path) => !IN_BROWSERS.test(path));
  });
}

/** Whether it is the code that was run: the range of a whole script ends with it. */
function isOf({ code }: Compiled, { functions }: ScriptCoverage): boolean {
  return functions[0]?.ranges[0]?.endOffset === code.length;
}

/** Adds what one instance of a script ran: inner ranges say more than those around them. */
function addReached({ reached }: Compiled, { functions }: ScriptCoverage): void {
  const ranges = functions.flatMap((one) => one.ranges);
  ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  const ran = new Uint8Array(reached.length);
  for (const { startOffset, endOffset, count } of ranges) {
    ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  }
  for (let at = 0; at < ran.length; at++) if (ran[at] === 1) reached[at] = 1;
}

/** Whether a file has nothing but types: comments are left of it. */
function hasOnlyTypes(code: string): boolean {
  const bare = code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
  return /^\s*(export \{\s*\};?)?\s*$/.test(bare);
}

/** Says of each line of the source whether anything of it was run. */
function addLines({ code, map, reached }: Compiled, lines: Map<number, boolean>): void {
  if (hasOnlyTypes(code)) return;
  let offset = 0;
  const texts = code.split('\n');
  for (const [index, segments] of decodedMappings(new TraceMap(map)).entries()) {
    const text = texts[index] ?? '';
    for (const [position, [column, , line]] of segments.entries()) {
      const end = segments[position + 1]?.[0] ?? text.length;
      // Brackets and blanks belong to what is around them as well as to what is in them.
      if (line === undefined || !/\w/.test(text.slice(column, end))) continue;
      const isReached = reached.subarray(offset + column, offset + end).includes(1);
      lines.set(line + 1, isReached || lines.get(line + 1) === true);
    }
    offset += text.length + 1;
  }
}
