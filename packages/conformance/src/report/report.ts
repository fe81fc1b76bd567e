import type { ConformanceCase } from '../case.ts';
import type { CaseResult } from '../run/run.ts';
import { VERSION_NAMES, type Version } from '../wire/version.ts';
import { cell, type StatementResult, statementResults, statementTable, table31 } from './tables.ts';

/** What a report is about. */
export interface ReportSubject {
  /** The broker: its address, or a name. */
  readonly name: string;
  readonly versions: readonly Version[];
  /** What it says that it does not offer. */
  readonly limits: readonly string[];
  readonly date: Date;
  /** Of this package. */
  readonly tool: string;
}

/** How many cases came to which end. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly notTried: number;
}

export function countResults(results: readonly CaseResult[]): Counts {
  const of = (wanted: CaseResult['outcome']) =>
    results.filter(({ outcome }) => outcome === wanted).length;
  return { passed: of('passed'), failed: of('failed'), notTried: of('not tried') };
}

/** A report for people. */
export function markdownReport(
  cases: readonly ConformanceCase[],
  results: readonly CaseResult[],
  { name, versions, limits, date, tool }: ReportSubject,
): string {
  const { passed, failed, notTried } = countResults(results);
  return [
    `# Conformance of ${name}`,
    '',
    ...(limits.length === 0 ? [] : [`Its CONNACK says: ${limits.join(', ')}.`, '']),
    `${tool}, ${date.toISOString().slice(0, 10)}. It speaks ${versions.map((one) => VERSION_NAMES[one]).join(', ')}.`,
    '',
    '| passed | failed | not tried |',
    '| --- | --- | --- |',
    `| ${passed} | ${failed} | ${notTried} |`,
    '',
    ...reasonTable('Failed', 'seen', 'failed', cases, results),
    ...reasonTable('Not tried', 'because', 'not tried', cases, results),
    '## Statements of MQTT 5.0',
    '',
    ...statementTable(cases, 5, results),
    '',
    '## Statements of MQTT 3.1.1',
    '',
    ...statementTable(cases, 4, results),
    '',
    '## MQTT 3.1',
    '',
    ...table31(cases, results),
    '',
  ].join('\n');
}

/** What the JSON report has. */
export interface JsonReport extends Counts {
  readonly tool: string;
  readonly name: string;
  /** ISO 8601. */
  readonly date: string;
  readonly versions: readonly string[];
  /** What it says that it does not offer. */
  readonly limits: readonly string[];
  readonly cases: readonly (CaseResult & {
    readonly version: string;
    readonly rules: readonly string[];
  })[];
  readonly statements: Readonly<Record<'MQTT 5.0' | 'MQTT 3.1.1', readonly StatementResult[]>>;
}

/** A report for programs. */
export function jsonReport(
  cases: readonly ConformanceCase[],
  results: readonly CaseResult[],
  { name, versions, limits, date, tool }: ReportSubject,
): JsonReport {
  return {
    tool,
    name,
    date: date.toISOString(),
    versions: versions.map((one) => VERSION_NAMES[one]),
    limits,
    ...countResults(results),
    cases: withCases(cases, results).map(([one, result]) => ({
      ...result,
      version: VERSION_NAMES[one.version],
      rules: one.rules,
    })),
    statements: {
      'MQTT 5.0': statementResults(cases, 5, results),
      'MQTT 3.1.1': statementResults(cases, 4, results),
    },
  };
}

function reasonTable(
  heading: string,
  column: string,
  wanted: CaseResult['outcome'],
  cases: readonly ConformanceCase[],
  results: readonly CaseResult[],
): string[] {
  const rows = withCases(cases, results)
    .filter(([, { outcome }]) => outcome === wanted)
    .map(([one, { title, reason }]) => {
      const of = VERSION_NAMES[one.version];
      return `| ${cell(title)} | ${of} | ${one.rules.join(', ')} | ${cell(reason ?? '')} |`;
    });
  if (rows.length === 0) return [];
  return [
    `## ${heading}`,
    '',
    `| case | of | rules | ${column} |`,
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

function withCases(
  cases: readonly ConformanceCase[],
  results: readonly CaseResult[],
): [ConformanceCase, CaseResult][] {
  const byTitle = new Map(cases.map((one) => [one.title, one]));
  return results.map((result) => [byTitle.get(result.title) as ConformanceCase, result]);
}
