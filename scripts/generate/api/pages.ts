/** A page of each entry, for people: typedoc's, in Markdown. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { Application } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import type { Entry } from './entries.ts';

/** How a page looks: members in tables, as there are many, and most are small. */
const LOOK: Partial<PluginOptions> = {
  outputFileStrategy: 'modules',
  flattenOutputFiles: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  // Its count of headings of the same text is not always GitHub's.
  useHTMLAnchors: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  typeDeclarationFormat: 'table',
};

/** A namespace that an entry exports has a page of its own. */
const NAMESPACE_PAGE = /\.Namespace\.\w+\.md$/;

/** @returns texts by the names of entries, and of namespaces in them */
export async function makePages(
  root: string,
  entries: readonly Entry[],
): Promise<ReadonlyMap<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-api-'));
  try {
    const app = await Application.bootstrapWithPlugins({
      ...LOOK,
      plugin: ['typedoc-plugin-markdown'],
      entryPoints: entries.map(({ declarations }) => declarations),
      tsconfig: join(import.meta.dirname, 'tsconfig.json'),
      // The repository's own compiler has checked them.
      skipErrorChecking: true,
      // With the lines of the sources, each change of these would be one of the pages.
      disableSources: true,
      readme: 'none',
      out: folder,
      logLevel: 'Error',
    });
    const project = await app.convert();
    if (project === undefined) throw new Error('typedoc read nothing');
    // It names them by their files.
    for (const module of project.children ?? []) {
      const entry = entries.find((one) => fileName(root, one) === module.name);
      if (entry === undefined) throw new Error(`typedoc has ${module.name}, which is no entry`);
      module.name = entry.name;
    }
    await app.generateOutputs(project);
    const pages = new Map(
      entries.map(({ name, specifier }) => [name, page(folder, name, specifier)]),
    );
    for (const file of readdirSync(folder).sort()) {
      if (!NAMESPACE_PAGE.test(file)) continue;
      pages.set(basename(file, '.md'), readFileSync(join(folder, file), 'utf8'));
    }
    return pages;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Such as `wal/dist/tools`. */
function fileName(root: string, { declarations }: Entry): string {
  const path = relative(join(root, 'packages'), declarations).replaceAll('\\', '/');
  return path.replace(/(\/index)?\.d\.ts$/, '');
}

function page(folder: string, name: string, specifier: string): string {
  const text = readFileSync(join(folder, `${name}.md`), 'utf8');
  return text.replace(/^# .*$/m, `# ${specifier}`);
}
