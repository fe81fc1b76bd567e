import type { Client } from 'pg';
import type { SetPostgresOptions } from './postgres-options.ts';

export type PostgresModule = typeof import('pg').default;

/** Asks a server. */
export type Ask = (text: string, values: unknown[]) => Promise<{ rows: Record<string, string>[] }>;

/** @returns why a server is not to be used now; null when it may be */
export type WhyUnfit = (ask: Ask) => Promise<string | null>;

/** Which database a server has, and how many servers have taken the place of another one before it. */
interface Branch {
  readonly system: string;
  readonly timeline: number;
}

/** A connection to a server that takes writes. */
export interface Primary {
  readonly client: Client;
  /** Null where the server doesn't say. */
  readonly branch: Branch | null;
}

/** When one server can be used, how long the others are waited for: one of them may have taken its place. In milliseconds. */
const OTHERS_MS = 250;

/** The timeline of what a server writes is the beginning of the name of the file that it writes to. */
const BRANCH_TEXT = `select system_identifier::text as system, left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline
  from pg_control_system()`;

/**
 * The newest primary that this process has seen. Each server that takes the place of another one has a higher timeline, so that a former primary that
 * comes back, and takes writes, is known by its lower one.
 */
export class Succession {
  #newest: Branch | null = null;

  /** @returns why a server is not to be written to; null when it may be */
  whyOutdated(branch: Branch | null): string | null {
    const newest = this.#newest;
    if (branch === null || newest === null) return null;
    if (branch.system !== newest.system) {
      return `it has another database (${branch.system}, not ${newest.system}): restart the node if that is to be used`;
    }
    if (branch.timeline >= newest.timeline) return null;
    return `another server has taken its place: it writes timeline ${branch.timeline}, and ${newest.timeline} was seen`;
  }

  take(branch: Branch | null): void {
    if (branch !== null && this.whyOutdated(branch) === null) this.#newest = branch;
  }
}

/**
 * Connects to the server that takes writes. Where several do, to the one that has taken the place of the others.
 *
 * @throws the error of the one that may be there later, by rejection
 */
export async function connectToPrimary(
  module: PostgresModule,
  options: SetPostgresOptions,
  succession: Succession,
  whyUnfit: WhyUnfit,
): Promise<Primary> {
  const found: Primary[] = [];
  const failures: Error[] = [];
  let isOver = false;
  const attempts = options.urls.map(async (url) => {
    try {
      const primary = await connectTo(module, url, options.timeoutMs, whyUnfit);
      if (isOver) close(primary);
      else found.push(primary);
      if (isOver) succession.take(primary.branch);
    } catch (error) {
      failures.push(error as Error);
    }
  });
  await Promise.race([Promise.all(attempts), firstFound(attempts, found)]);
  isOver = true;
  for (const { branch } of found) succession.take(branch);
  let best: Primary | null = null;
  for (const primary of found) {
    const why = succession.whyOutdated(primary.branch);
    if (why === null && best === null) best = primary;
    else {
      close(primary);
      if (why !== null) failures.push(new Error(why));
    }
  }
  if (best !== null) return best;
  throw failures.reduce((first, next) => (weightOf(next) > weightOf(first) ? next : first));
}

/** Where one of several servers may be there later, that is what counts; of these, one that answers. */
function weightOf({ code }: { readonly code?: string } & Error): number {
  if (isLastingState(code)) return 0;
  return code === undefined ? 2 : 1;
}

/** Resolves some time after the first of some attempts has found one. */
function firstFound(attempts: readonly Promise<void>[], found: readonly Primary[]): Promise<void> {
  return new Promise((resolve) => {
    for (const attempt of attempts) {
      void attempt.then(() => {
        if (found.length > 0) setTimeout(resolve, OTHERS_MS).unref();
      });
    }
  });
}

async function connectTo(
  module: PostgresModule,
  connectionString: string,
  timeoutMs: number,
  whyUnfit: WhyUnfit,
): Promise<Primary> {
  const client = new module.Client({
    connectionString,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    application_name: 'promptmq',
  });
  // A connection that breaks between two queries; the next one finds out.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query('show transaction_read_only');
    if (rows[0]?.transaction_read_only === 'on') throw new Error('it takes no writes');
    await client.query('set synchronous_commit = on');
    const why = await whyUnfit((text, values) => client.query(text, values));
    if (why !== null) throw new Error(why);
    return { client, branch: await branchOf(client) };
  } catch (error) {
    client.end().catch(() => {});
    throw error;
  }
}

/** @returns null for a server that doesn't let its users ask */
async function branchOf(client: Client): Promise<Branch | null> {
  try {
    const { rows } = await client.query<{ system: string; timeline: string }>(BRANCH_TEXT);
    const [row] = rows;
    return row === undefined
      ? null
      : { system: row.system, timeline: Number.parseInt(row.timeline, 16) };
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error;
    return null;
  }
}

function close({ client }: Primary): void {
  client.end().catch(() => {});
}

/**
 * The classes of SQLSTATE of what is refused however often it is tried: who isn't let in, a database, a table or a column that isn't there, no
 * permission, values that don't fit. All else may be different a while later: as where a server starts, stops, has no room or takes no writes.
 */
const LASTING_CLASSES = ['0A', '22', '23', '28', '3D', '3F', '42', '54'];

/** @param code - SQLSTATE; undefined for what is no answer of a server */
export function isLastingState(code: string | undefined): boolean {
  return code?.length === 5 && LASTING_CLASSES.includes(code.slice(0, 2));
}
