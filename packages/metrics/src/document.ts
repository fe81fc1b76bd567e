import type { Catalogue } from './definition.ts';

/**
 * A catalogue as a Markdown table, a metric a line, with columns of even width.
 *
 * @returns lines that end in a newline each
 */
export function documentCatalogue(catalogue: Catalogue): string {
  const rows = Object.entries(catalogue).map(([name, { type, help, labels = [] }]) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help.replaceAll('|', '\\|'),
  ]);
  const header = ['metric', 'type', 'labels', 'what it says'];
  const widths = header.map((title, column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] as string).length), title.length),
  );
  const line = (cells: readonly string[], filler = ' ') =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number, filler)).join(' | ')} |\n`;
  const rule = line(
    header.map(() => '-'),
    '-',
  );
  return line(header) + rule + rows.map((row) => line(row)).join('');
}
