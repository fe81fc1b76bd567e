/** docs/api: what programs may import, as pages for people and as reports for reviews. */
import { entries } from './api/entries.ts';
import { makePages } from './api/pages.ts';
import { makeReports } from './api/reports.ts';
import type { Generated } from './generated.ts';

const FOLDER = 'docs/api';

/** From the declarations of this repository, whichever the files are for. */
const root = import.meta.dirname.replace(/[\\/]scripts[\\/]generate$/, '');

export async function generate(): Promise<Generated> {
  const all = entries(root);
  const files: Record<string, string> = {};
  for (const [name, text] of await makePages(root, all)) files[`${FOLDER}/${name}.md`] = text;
  for (const [name, text] of makeReports(root, all)) {
    files[`${FOLDER}/reports/${name}.api.md`] = text;
  }
  const rows = all.map(({ name, specifier }) => {
    return `| \`${specifier}\` | [${name}.md](${name}.md) | [${name}.api.md](reports/${name}.api.md) |`;
  });
  files[`${FOLDER}/README.md`] = `# What programs may import

Made from the declarations of the packages by \`node scripts generate api\`. A page says what each export is for; a report has
all declarations of an entry in short, and changes whenever one of them does.

| import | page | report |
| ------ | ---- | ------ |
${rows.join('\n')}
`;
  return { files, folder: FOLDER };
}
