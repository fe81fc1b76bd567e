import type { EngineMap, MapListener, MapValue } from '../engine.ts';
import type { PostgresNotices } from './postgres-notices.ts';
import type { PostgresSession } from './postgres-session.ts';
import type { PostgresTables } from './postgres-tables.ts';

interface Row {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: string;
}

/** While the server says when something has changed, it is looked at so much more seldom. */
const LOOKS_LESS = 5;

/** The map as a table. Who watches looks at it when the server says that it has changed, and besides again and again. */
export class PostgresMap implements EngineMap {
  readonly #session: PostgresSession;
  readonly #notices: PostgresNotices;
  readonly #map: string;
  readonly #revisions: string;
  readonly #notify: string;
  readonly #pollMs: number;
  readonly #onError: (error: unknown) => void;

  /** @param onError - hears what a listener has thrown; by default nobody catches it */
  constructor(
    session: PostgresSession,
    notices: PostgresNotices,
    { map, revisions, notices: channel }: PostgresTables,
    pollMs: number,
    onError: (error: unknown) => void = (error) => {
      throw error;
    },
  ) {
    this.#session = session;
    this.#notices = notices;
    this.#map = map;
    this.#revisions = revisions;
    this.#notify = `pg_notify('${channel}', '')`;
    this.#pollMs = pollMs;
    this.#onError = onError;
  }

  async get(key: string): Promise<MapValue | null> {
    const text = `select key, value, revision from ${this.#map} where key = $1`;
    const [row] = await this.#session.query<Row & { key: string }>(text, [key]);
    return row === undefined ? null : { value: row.value, revision: Number(row.revision) };
  }

  async put(
    key: string,
    value: Uint8Array,
    revision: number,
  ): Promise<number | 'conflict' | 'unknown'> {
    const next = `nextval('${this.#revisions}')`;
    const bytes = Buffer.from(value);
    const [text, values] =
      revision === 0
        ? [
            `insert into ${this.#map} (key, value, revision) values ($1, $2, ${next})
             on conflict do nothing returning revision, ${this.#notify}`,
            [key, bytes],
          ]
        : [
            `update ${this.#map} set value = $2, revision = ${next}
             where key = $1 and revision = $3 returning revision, ${this.#notify}`,
            [key, bytes, revision],
          ];
    try {
      const [row] = await this.#session.query<{ revision: string }>(text, values);
      return row === undefined ? 'conflict' : Number(row.revision);
    } catch {
      return 'unknown';
    }
  }

  async remove(key: string, revision: number): Promise<'removed' | 'conflict' | 'unknown'> {
    const text = `delete from ${this.#map} where key = $1 and revision = $2 returning key, ${this.#notify}`;
    try {
      const rows = await this.#session.query(text, [key, revision]);
      return rows.length === 0 ? 'conflict' : 'removed';
    } catch {
      return 'unknown';
    }
  }

  watch(prefix: string, onChange: MapListener): () => void {
    const seen = new Map<string, number>();
    let isEnded = false;
    let isLooking = false;
    let isLookWanted = false;
    let timer: NodeJS.Timeout | null = null;
    const text = `select key, value, revision from ${this.#map} where starts_with(key, $1) order by revision`;
    const look = async () => {
      isLookWanted = true;
      if (isLooking) return;
      isLooking = true;
      if (timer !== null) clearTimeout(timer);
      try {
        while (isLookWanted && !isEnded) {
          isLookWanted = false;
          const rows = await this.#session.query<Row>(text, [prefix]).catch(() => null);
          if (rows !== null && !isEnded) passOn(rows, seen, onChange);
        }
      } catch (error) {
        this.#onError(error);
      } finally {
        // Also where the listener has thrown: what it wasn't told yet comes then.
        isLooking = false;
        const waitMs = this.#notices.isListening ? LOOKS_LESS * this.#pollMs : this.#pollMs;
        if (!isEnded) timer = setTimeout(() => void look(), waitMs);
      }
    };
    void look();
    const endNotices = this.#notices.follow(() => void look());
    return () => {
      isEnded = true;
      endNotices();
      if (timer !== null) clearTimeout(timer);
    };
  }
}

/** @param seen - revisions by key, as they were passed on before; changed */
function passOn(rows: readonly Row[], seen: Map<string, number>, onChange: MapListener): void {
  const keys = new Set(rows.map(({ key }) => key));
  for (const [key, revision] of [...seen]) {
    if (keys.has(key)) continue;
    seen.delete(key);
    onChange(key, null, revision + 1);
  }
  for (const { key, value, revision } of rows) {
    if (seen.get(key) === Number(revision)) continue;
    seen.set(key, Number(revision));
    onChange(key, value, Number(revision));
  }
}
