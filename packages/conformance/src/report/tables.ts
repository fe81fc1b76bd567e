import type { ConformanceCase } from '../case.ts';
import type { CaseResult } from '../run/run.ts';
import {
  clientOnly5,
  clientOnly311,
  notTested311,
  statements5,
  statements311,
} from './statements.ts';

/** A normative statement of a standard, and what came of it. */
export interface StatementResult {
  readonly id: string;
  readonly binds: 'server' | 'client';
  /** `fails`: one of its cases failed; `passes`: one was tried, and none failed. */
  readonly outcome: 'passes' | 'fails' | 'not tried' | 'no case';
  /** Why there is no case; null where there is one, or where it binds clients only. */
  readonly reason: string | null;
  /** The titles of its cases. */
  readonly cases: readonly string[];
}

/** All statements of a standard, in its order. Cases that have no result count as not tried. */
export function statementResults(
  cases: readonly ConformanceCase[],
  version: 4 | 5,
  results: readonly CaseResult[],
): StatementResult[] {
  const outcomes = outcomesOf(results);
  const clientOnly = version === 5 ? clientOnly5 : clientOnly311;
  return (version === 5 ? statements5 : statements311).map((id) => {
    const titles = cases
      .filter((one) => one.version === version && one.rules.includes(id))
      .map(({ title }) => title);
    const binds = clientOnly.includes(id) ? 'client' : 'server';
    const reason = version === 5 || titles.length > 0 ? null : (notTested311[id] ?? null);
    return { id, binds, outcome: outcomeOf(titles, outcomes), reason, cases: titles };
  });
}

/** Server statements that no case tests. */
export function untested(cases: readonly ConformanceCase[]): { v5: string[]; v311: string[] } {
  const of = (version: 4 | 5) =>
    statementResults(cases, version, [])
      .filter(
        ({ binds, outcome, reason }) => binds === 'server' && outcome === 'no case' && !reason,
      )
      .map(({ id }) => id);
  return { v5: of(5), v311: of(4) };
}

/** The statements of MQTT 5.0 or 3.1.1 as a table of Markdown, line by line. */
export function statementTable(
  cases: readonly ConformanceCase[],
  version: 4 | 5,
  results: readonly CaseResult[],
): string[] {
  const rows = statementResults(cases, version, results).map(
    ({ id, binds, outcome, reason, cases: titles }) =>
      titles.length === 0 && binds === 'client'
        ? `| ${id} | client | | |`
        : `| ${id} | ${binds} | ${cell(reason ?? titles.join('; '))} | ${outcome} |`,
  );
  return ['| statement | binds | cases | result |', '| --- | --- | --- | --- |', ...rows];
}

/** The cases of MQTT 3.1, whose text has no named statements. */
export function table31(
  cases: readonly ConformanceCase[],
  results: readonly CaseResult[],
): string[] {
  const outcomes = outcomesOf(results);
  const rows = cases
    .filter(({ version }) => version === 3)
    .map(
      ({ title, rules }) =>
        `| ${cell(title)} | ${rules.join(', ')} | ${outcomeOf([title], outcomes)} |`,
    );
  return ['| case | sections | result |', '| --- | --- | --- |', ...rows];
}

/** Text in a table of Markdown. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
}

type Outcomes = ReadonlyMap<string, CaseResult['outcome']>;

function outcomesOf(results: readonly CaseResult[]): Outcomes {
  return new Map(results.map(({ title, outcome }) => [title, outcome]));
}

function outcomeOf(titles: readonly string[], outcomes: Outcomes): StatementResult['outcome'] {
  const found = titles.map((title) => outcomes.get(title));
  if (titles.length === 0) return 'no case';
  if (found.includes('failed')) return 'fails';
  return found.includes('passed') ? 'passes' : 'not tried';
}
