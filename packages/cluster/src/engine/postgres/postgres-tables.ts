import { EngineError } from '../engine.ts';
import type { PostgresSession } from './postgres-session.ts';

/** What a cluster has in a database. */
export interface PostgresTables {
  readonly cells: string;
  readonly entries: string;
  readonly map: string;
  readonly revisions: string;
  /** Of NOTIFY, when the map has changed. */
  readonly notices: string;
}

/** Any number: who makes tables takes turns by it. */
const LOCK = 0x504d51;

/** @throws {EngineError} `unsuitable` for a name that can't be part of one of a table */
export function tablesOf(name: string): PostgresTables {
  if (!/^[a-z0-9_]{1,40}$/.test(name)) {
    throw new EngineError('unsuitable', `cluster ${name}: should be a to z, digits and _`);
  }
  const prefix = `pmq_${name}`;
  return {
    cells: `${prefix}_cell`,
    entries: `${prefix}_entry`,
    map: `${prefix}_map`,
    revisions: `${prefix}_revision`,
    notices: `${prefix}_changes`,
  };
}

/** Makes what isn't there. */
export async function makeTables(
  session: PostgresSession,
  { cells, entries, map, revisions }: PostgresTables,
): Promise<void> {
  // One statement text without values is one transaction.
  await session.query(`
    select pg_advisory_xact_lock(${LOCK});
    create table if not exists ${cells} (
      cell int primary key, first bigint not null default 1, last bigint not null default 0,
      bytes bigint not null default 0, readers bigint not null default 0
    ) with (fillfactor = 20);
    create table if not exists ${entries} (
      cell int not null, sequence bigint not null, data bytea not null, primary key (cell, sequence)
    );
    alter table ${entries} alter column data set storage external;
    create table if not exists ${map} (
      key text primary key, value bytea not null, revision bigint not null
    );
    create sequence if not exists ${revisions};
  `);
}

/** Of a server's settings: why it can't keep what a cell acknowledges; null when it can. */
export function whyRelaxed(
  settings: Readonly<Record<string, string>>,
  replicas: number,
): string | null {
  for (const name of ['fsync', 'full_page_writes']) {
    if (settings[name] !== 'on')
      return `PostgreSQL acknowledges what a crash may take: set ${name} = on`;
  }
  if (replicas <= 1 || settings['synchronous_standby_names']) return null;
  return (
    `PostgreSQL acknowledges before its standbys have it: ${replicas} servers should keep each log, ` +
    'so name the standbys in synchronous_standby_names'
  );
}
