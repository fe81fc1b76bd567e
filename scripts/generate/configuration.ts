/** What is written of the options: a page for people, and a JSON Schema for editors. */
import {
  allowedText,
  configJsonSchema,
  configOptions,
  leavesOf,
  type SchemaPart,
  sectionOf,
  type ValueKind,
} from '../../packages/server/dist/config/index.js';
import type { Generated } from './generated.ts';

export function generate(): Generated {
  return {
    files: {
      'docs/configuration.md': markdown(),
      'docs/configuration.schema.json': `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
    },
  };
}

function markdown(): string {
  const sections = [...new Set(configOptions.map(sectionOf))];
  return `# Configuration

Made from the schema by \`node scripts generate configuration\`: change it there, in
\`packages/server/src/config/sections\`.

An option may be given in four places. The first that has it counts:

1. a flag of the command line, such as \`--max-qos 1\`
2. an environment variable, such as \`PROMPTMQ_MQTT_MAX_QOS=1\`; an empty one doesn't count
3. a file, YAML or JSON: the one that \`--config\` or \`PROMPTMQ_CONFIG\` names, else \`promptmq.yaml\` in the
   working directory, else \`.promptmq.yaml\` in the home directory
4. its default

Relative paths in a file are relative to the folder of that file, so that every command that names the file means the same files;
those of flags and variables, and the defaults, are relative to the working directory. That holds for files, folders and
sockets, \`unix:\` addresses too.

What the broker writes is its user's alone: files 0600, folders 0700, whatever the umask. The log holds payloads, and log files
name clients; no option makes them wider.

\`\`\`yaml
# yaml-language-server: $schema=./configuration.schema.json
server:
  bind: 127.0.0.1:1883
mqtt:
  max-qos: 1
storage:
  wal:
    sync-mode: batch
\`\`\`

\`promptmq config check\` says what is wrong with a configuration, \`config print\` shows every value and where
it comes from, \`config diff\` what differs from the defaults. The JSON Schema for editors is
[configuration.schema.json](configuration.schema.json), or what \`promptmq config schema\` prints.

Durations are \`100ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\`, or a number of seconds; sizes \`4096\`, \`64KiB\` (1024 bytes each),
\`256MB\` (1000 × 1000 bytes each); addresses \`192.0.2.1:1883\`, \`:1883\`, \`1883\`, \`[::1]:1883\` or
\`unix:/path\`; lists are YAML lists, or texts with commas between them.

The broker reads its configuration again at SIGHUP and when its file changes. Options marked with ⟳ keep
their value until it is started again; the log says so.

${sections.map(sectionMarkdown).join('\n')}`;
}

function sectionMarkdown(section: string): string {
  const options = configOptions.filter((option) => sectionOf(option) === section);
  const rows = options.map((option) => {
    const { key, flag, variable, description, defaultText, kind, needsRestart } = option;
    const name = key === section ? key : key.slice(section.length + 1);
    return [
      `\`${name}\`${needsRestart ? ' ⟳' : ''}`,
      defaultText === '' ? '' : `\`${defaultText}\``,
      `${description}. Takes ${allowedText(kind)}.`,
      `\`--${flag}\``,
      `\`${variable}\``,
    ];
  });
  const lists = options.flatMap(({ key, kind }) => itemsMarkdown(key, kind));
  const table = tableOf(['key', 'default', 'meaning', 'flag', 'variable'], rows);
  return [`## ${section}\n\n${table}\n`, ...lists].join('\n');
}

/** The first list of sections of each shape, by that. */
const described = new Map<object, string>();

/** What each of a list of sections has, and each of a list within it; where another one has the same, that one says it. */
function itemsMarkdown(key: string, kind: ValueKind): string[] {
  if (kind.kind !== 'objects') return [];
  const same = described.get(kind.part);
  if (same !== undefined) return [`### ${key}[]\n\nAs ${same}[].\n`];
  described.set(kind.part, key);
  const leaves = leavesOf(kind.part as SchemaPart);
  const rows = leaves.map((leaf) => [
    `\`${leaf.key}\`${leaf.needsRestart ? ' ⟳' : ''}`,
    leaf.defaultText === '' ? '' : `\`${leaf.defaultText}\``,
    `${leaf.description}. Takes ${allowedText(leaf.kind)}.`,
  ]);
  const table = tableOf(['key', 'default', 'meaning'], rows);
  const inner = leaves.flatMap((leaf) => itemsMarkdown(`${key}[].${leaf.key}`, leaf.kind));
  return [`### ${key}[]\n\n${table}\n`, ...inner];
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}
