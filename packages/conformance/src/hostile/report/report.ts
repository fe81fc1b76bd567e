import { cell } from '../../report/tables.ts';
import { AREAS, type Area, type HostileCase } from '../case.ts';
import type { HostileResult } from '../run.ts';

/** What a report is about. */
export interface HostileSubject {
  /** The broker: its address, or a name. */
  readonly name: string;
  readonly date: Date;
  /** Of this package. */
  readonly tool: string;
}

export interface HostileCounts {
  readonly passed: number;
  readonly failed: number;
  readonly notTried: number;
  /** The longest round trip of the canary over all cases, in milliseconds. */
  readonly worstMs: number;
}

export function countHostile(results: readonly HostileResult[]): HostileCounts {
  const of = (wanted: HostileResult['outcome']) =>
    results.filter(({ outcome }) => outcome === wanted).length;
  return {
    ...{ passed: of('passed'), failed: of('failed'), notTried: of('not tried') },
    worstMs: results.reduce((worst, result) => Math.max(worst, result.worstMs ?? 0), 0),
  };
}

/** For people: what failed first, then area by area. */
export function hostileMarkdown(
  cases: readonly HostileCase[],
  results: readonly HostileResult[],
  { name, date, tool }: HostileSubject,
): string {
  const { passed, failed, notTried, worstMs } = countHostile(results);
  return [
    `# ${name} under attack`,
    '',
    `${tool}, ${date.toISOString().slice(0, 10)}.`,
    '',
    '| passed | failed | not tried | longest round trip of the canary |',
    '| --- | --- | --- | --- |',
    `| ${passed} | ${failed} | ${notTried} | ${worstMs} ms |`,
    '',
    ...AREAS.flatMap((area) => areaTable(area, cases, results)),
  ].join('\n');
}

function areaTable(
  area: Area,
  cases: readonly HostileCase[],
  results: readonly HostileResult[],
): string[] {
  const byTitle = new Map(results.map((result) => [result.title, result]));
  const rows = cases.flatMap((one) => {
    const result = byTitle.get(one.title);
    if (one.area !== area || result === undefined) return [];
    const { outcome, reason } = result;
    const what = reason === null ? outcome : `${outcome}: ${reason}`;
    const parts = [one.title, one.answer, what, milliseconds(result), megabytes(result)];
    return [`| ${parts.map(cell).join(' | ')} |`];
  });
  if (rows.length === 0) return [];
  return [
    `## ${area.charAt(0).toUpperCase()}${area.slice(1)}`,
    '',
    '| attack | what must come of it | result | canary | memory before, peak, after (MB) |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

function milliseconds({ worstMs }: HostileResult): string {
  return worstMs === null ? '' : `${worstMs} ms`;
}

function megabytes({ memory }: HostileResult): string {
  if (memory === null) return '';
  return [memory.before, memory.peak, memory.after].map((one) => Math.round(one / 1e6)).join(', ');
}

/** For programs. */
export interface HostileJson extends HostileCounts {
  readonly tool: string;
  readonly name: string;
  /** ISO 8601. */
  readonly date: string;
  /** Memory is in bytes. */
  readonly cases: readonly (HostileResult &
    Pick<HostileCase, 'area' | 'answer' | 'seen' | 'version'>)[];
}

export function hostileJson(
  cases: readonly HostileCase[],
  results: readonly HostileResult[],
  { name, date, tool }: HostileSubject,
): HostileJson {
  const byTitle = new Map(cases.map((one) => [one.title, one]));
  return {
    ...{ tool, name, date: date.toISOString(), ...countHostile(results) },
    cases: results.map((result) => {
      const { area, answer, seen, version } = byTitle.get(result.title) as HostileCase;
      return { ...result, area, answer, seen, version };
    }),
  };
}
