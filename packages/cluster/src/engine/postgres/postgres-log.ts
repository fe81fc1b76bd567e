import {
  type AppendOutcome,
  type EngineBounds,
  type EngineEntry,
  EngineError,
  type EngineLog,
} from '../engine.ts';
import type { PostgresSession } from './postgres-session.ts';
import type { PostgresTables } from './postgres-tables.ts';

/** Entries asked for at once, at most. */
const BATCH = 200;

/**
 * The log of a cell: its entries as rows, and a row that says which is the last one, which appends have to change.
 */
export class PostgresLog implements EngineLog {
  readonly #session: PostgresSession;
  readonly #cell: number;
  readonly #bytesMax: number;
  readonly #appendText: string;
  readonly #stateText: string;
  readonly #boundsText: string;
  readonly #readText: string;
  readonly #trimText: string;

  /** @param session - closed with the log */
  constructor(
    session: PostgresSession,
    { cells, entries }: PostgresTables,
    cell: number,
    bytesMax: number,
  ) {
    this.#session = session;
    this.#cell = cell;
    this.#bytesMax = bytesMax;
    this.#appendText = `with moved as (
      update ${cells} set last = last + 1, bytes = bytes + length($3::bytea)
      where cell = $1 and last = $2 and bytes + length($3::bytea) <= $4::bigint
      returning last
    ) insert into ${entries} (cell, sequence, data) select $1, last, $3::bytea from moved returning sequence`;
    this.#stateText = `select last from ${cells} where cell = $1`;
    // What is seen may not be at the standbys yet, after a server that had it alone was started again. A change is there only after it.
    this.#boundsText = `update ${cells} set readers = readers + 1 where cell = $1 returning first, last`;
    this.#readText = `select sequence, data from (
        select sequence, data, sum(length(data)) over (order by sequence) - length(data) as before
        from ${entries} where cell = $1 and sequence >= $2 and sequence <= $3 order by sequence limit ${BATCH}
      ) as batch where before < $4::bigint order by sequence`;
    this.#trimText = `with gone as (
      delete from ${entries} where cell = $1 and sequence < $2 returning length(data) as size
    ) update ${cells} set first = greatest(first, least($2::bigint, last + 1)),
      bytes = bytes - (select coalesce(sum(size), 0) from gone) where cell = $1`;
  }

  async append(after: number, parts: readonly Uint8Array[]): Promise<AppendOutcome> {
    try {
      const values = [this.#cell, after, Buffer.concat(parts), this.#bytesMax];
      const [row] = await this.#session.query<{ sequence: string }>(this.#appendText, values);
      if (row !== undefined) return { kind: 'appended', sequence: Number(row.sequence) };
    } catch (error) {
      const { code, message } = error as EngineError;
      return { kind: code === 'unsuitable' ? 'refused' : 'unknown', why: message };
    }
    try {
      const [row] = await this.#session.query<{ last: string }>(this.#stateText, [this.#cell]);
      const last = row === undefined ? null : Number(row.last);
      return last === after ? { kind: 'full' } : { kind: 'conflict', last };
    } catch {
      return { kind: 'conflict', last: null };
    }
  }

  async *read(from: number, bytesMax: number): AsyncIterable<EngineEntry> {
    const { first, last } = await this.bounds();
    let next = Math.max(from, first);
    while (next <= last) {
      const values = [this.#cell, next, last, bytesMax];
      const rows = await this.#session.query<{ sequence: string; data: Uint8Array }>(
        this.#readText,
        values,
      );
      for (const { sequence, data } of rows) {
        next = Number(sequence) + 1;
        yield { sequence: Number(sequence), data };
      }
      // Trimmed meanwhile.
      if (rows.length === 0) return;
    }
  }

  async bounds(): Promise<EngineBounds> {
    const [row] = await this.#session.query<{ first: string; last: string }>(this.#boundsText, [
      this.#cell,
    ]);
    if (row === undefined) throw new EngineError('unavailable', `cell ${this.#cell} has no log`);
    return { first: Number(row.first), last: Number(row.last) };
  }

  async trim(before: number): Promise<void> {
    await this.#session.query(this.#trimText, [this.#cell, before]);
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}
