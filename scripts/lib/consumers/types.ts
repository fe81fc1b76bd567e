/** Programs in TypeScript that use the packages where these are installed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../child.ts';

export interface Compiler {
  /** Of its program. */
  readonly path: string;
  /** The oldest is slow, and knows neither a difference of node16 and nodenext nor that ES modules can be required. */
  readonly isOldest: boolean;
}

const RESOLUTIONS = [
  { module: 'node16' },
  { module: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
] as const;

/** Their declarations name nothing of Node.js: they need neither @types/node nor `skipLibCheck`. */
const WITHOUT_NODE = ['bench', 'codec', 'conformance', 'session', 'topics'].map(
  (name) => `@promptmq/${name}`,
);

/**
 * Compiles with every way to resolve modules:
 *
 * - with @types/node, all entries, and all declarations are checked;
 * - without it, all entries with `skipLibCheck`, and those that need nothing of Node.js also with all declarations;
 *   the oldest compiler isn't asked for that.
 *
 * @param entries - what can be imported
 * @throws what the compiler said
 */
export async function compileConsumers(
  { path, isOldest }: Compiler,
  project: string,
  entries: readonly string[],
): Promise<void> {
  writeFileSync(join(project, 'consumer.ts'), importing(entries) + USE);
  writeFileSync(join(project, 'consumer-without-node.ts'), importing(entries) + NO_NODE + USE);
  writeFileSync(join(project, 'consumer-plain.ts'), importing(WITHOUT_NODE) + NO_NODE);
  writeFileSync(join(project, 'consumer.cts'), requiring(entries));
  for (const resolution of RESOLUTIONS) {
    if (isOldest && resolution.module === 'node16') continue;
    const compile = async (file: string, options: object) => {
      const compilerOptions = { strict: true, noEmit: true, target: 'es2022', ...resolution };
      const config = join(project, 'tsconfig.consumer.json');
      const all = { ...compilerOptions, ...options };
      writeFileSync(config, JSON.stringify({ compilerOptions: all, files: [file] }));
      await run(process.execPath, [path, '-p', config], project);
    };
    await compile('consumer.ts', { types: ['node'], skipLibCheck: false });
    if (isOldest) continue;
    await compile('consumer-without-node.ts', { types: [], skipLibCheck: true });
    await compile('consumer-plain.ts', { types: [], skipLibCheck: false });
    if (resolution.module === 'nodenext') {
      await compile('consumer.cts', { types: ['node'], skipLibCheck: false });
    }
  }
}

/** Were an import `any`, it could be a number. */
function importing(entries: readonly string[]): string {
  const lines = entries.map(
    (entry, index) =>
      `import * as p${index} from '${entry}';\n// @ts-expect-error: it is a module\nconst n${index}: number = p${index};\nvoid n${index};`,
  );
  return `${lines.join('\n')}\n`;
}

function requiring(entries: readonly string[]): string {
  const lines = entries.map(
    (entry, index) =>
      `import p${index} = require('${entry}');\n// @ts-expect-error: it is a module\nconst n${index}: number = p${index};\nvoid n${index};`,
  );
  return `${lines.join('\n')}\n`;
}

const NO_NODE = `// @ts-expect-error: there are no types of Node.js
void process.version;
`;

const USE = `
import { createBroker, type RunningBroker } from '@promptmq/server';

export async function use(): Promise<string | null> {
  // @ts-expect-error: a function is no topic
  const refused = (broker: RunningBroker) => broker.publish({ topic: () => 't' });
  void refused;
  const broker: RunningBroker = await createBroker({ mqtt: { maxQos: 1 } });
  const { matched } = await broker.publish({ topic: 't', payload: 'p', qos: 1 });
  // @ts-expect-error: it is a number
  const text: string = matched;
  void text;
  const url: string | null = broker.url;
  await broker.stop();
  return url;
}
`;
