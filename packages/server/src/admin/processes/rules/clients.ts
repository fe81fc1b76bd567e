import { CursorPages, type Search } from '../../api/lists/cursor-pages.ts';
import { type Answer, ApiError, json, NO_CONTENT } from '../../api/operation.ts';
import { NO_CURSOR } from '../../api/page.ts';
import { type AnyCall, type Asking, parametersOf, targetWith } from '../asking.ts';
import { FIRST_CURSOR, type ListedPage, stepOver } from '../list-pages.ts';
import { byClient, type Rules } from '../rule.ts';

type Item = Readonly<Record<string, unknown>>;

/** Things on all pages of a list that is sorted. */
const SORTED_MAX = 10_000;

/** Things that a process is asked for at a time. */
const STEP_MAX = 500;

/** Parameters of a page that are no part of what is looked for. */
const OF_PAGES = ['page', 'limit', 'cursor'] as const;

/** Which list it is: the same for who looks for the same with the same page length. */
function keyOf(call: AnyCall, what: string): string {
  const parameters = parametersOf(call);
  for (const name of OF_PAGES) parameters.delete(name);
  parameters.sort();
  return `${what} ${call.query.limit} ${parameters}`;
}

const pages = new CursorPages();

/** A page of a list that each process has with cursors. @param isCounted - whether each says how many it has in all */
async function listed(
  call: AnyCall,
  asking: Asking,
  path: string,
  isCounted: boolean,
): Promise<Answer> {
  const { query, signal } = call;
  const { page, limit, cursor: from } = query as { page: number; limit: number; cursor?: string };
  const search: Search<Item> = {
    key: keyOf(call, path),
    first: FIRST_CURSOR,
    step: (at, stepLimit) =>
      stepOver(asking, at, (process, cursor) =>
        asking.ask<ListedPage<Item>>(process, {
          target: targetWith(call, path, {
            page: null,
            limit: Math.min(stepLimit, STEP_MAX),
            cursor,
          }),
        }),
      ),
  };
  if (from !== undefined) {
    const begin = from === NO_CURSOR ? FIRST_CURSOR : checkedCursor(from);
    const { things, cursor } = await pages.findAt(search, begin, limit, signal);
    return asking.page(things, { limit, cursor: cursor ?? NO_CURSOR, hasnext: cursor !== null });
  }
  const { things, count, hasNext } = await pages.find(search, page, limit, signal);
  const counted = isCounted ? await countOf(call, asking, path) : count;
  const known = counted === null ? {} : { count: counted };
  return asking.page(things, { page, limit, ...known, hasnext: hasNext });
}

/** @throws {ApiError} 400 */
function checkedCursor(cursor: string): string {
  if (/^\d{1,2}\../.test(cursor)) return cursor;
  throw new ApiError(400, 'BAD_REQUEST', 'cursor: takes none, or the cursor of the page before');
}

async function countOf(call: AnyCall, asking: Asking, path: string): Promise<number | null> {
  const target = targetWith(call, path, { page: 1, limit: 1 });
  const parts = await asking.askAll<ListedPage<Item>>(() => ({ target }));
  const counts = parts.map(({ data }) => data.meta.count);
  if (counts.some((count) => count === undefined)) return null;
  return counts.reduce<number>((sum, count) => sum + (count as number), 0);
}

/** Whether a list is of everything. */
function isOfAll(call: AnyCall): boolean {
  const parameters = parametersOf(call);
  for (const name of [...OF_PAGES, 'fields']) parameters.delete(name);
  return parameters.size === 0;
}

async function listClients(call: AnyCall, asking: Asking): Promise<Answer> {
  const { cursor, clientid, sort } = call.query;
  if (cursor !== undefined && (clientid ?? sort) !== undefined) {
    const why = 'cursor: not with clientid and sort, which have pages';
    throw new ApiError(400, 'BAD_REQUEST', why);
  }
  if (clientid !== undefined) return namedClients(call, asking, clientid);
  if (sort !== undefined) return sortedClients(call, asking);
  return listed(call, asking, '/clients', isOfAll(call));
}

async function namedClients(
  call: AnyCall,
  asking: Asking,
  given: readonly string[],
): Promise<Answer> {
  const { page, limit } = call.query;
  const ids = [...new Set(given)];
  const byCell = cellsOf(ids, asking);
  const { fields, shown } = withField(call, 'clientid');
  const parts = await asking.askAll<ListedPage<Item>>(({ cell }) => {
    const own = byCell.get(cell);
    if (own === undefined) return null;
    const one = { clientid: null, page: 1, limit: SORTED_MAX, ...fields };
    const named = own.map((id) => `clientid=${encodeURIComponent(id)}`).join('&');
    return { target: `${targetWith(call, '/clients', one)}&${named}` };
  });
  const placeOf = ({ clientid }: Item) => ids.indexOf(`${clientid}`);
  const found = parts
    .flatMap(({ data }) => data.data)
    .sort((one, other) => placeOf(one) - placeOf(other));
  const start = (page - 1) * limit;
  const meta = { page, limit, count: found.length, hasnext: start + limit < found.length };
  return asking.page(found.slice(start, start + limit).map(shown), meta);
}

async function sortedClients(call: AnyCall, asking: Asking): Promise<Answer> {
  const { page, limit, sort, order = 'desc' } = call.query;
  const last = page * limit;
  if (last > SORTED_MAX) {
    const why = `page: a sorted list has ${SORTED_MAX} clients at most, so page * limit may not be more`;
    throw new ApiError(400, 'BAD_REQUEST', why);
  }
  const { fields, shown } = withField(call, sort);
  const first = { page: 1, limit: Math.min(last + 1, SORTED_MAX), ...fields };
  const target = targetWith(call, '/clients', first);
  const parts = await asking.askAll<ListedPage<Item>>(() => ({ target }));
  const sign = order === 'asc' ? 1 : -1;
  const all = parts
    .flatMap(({ data }) => data.data)
    .sort((one, other) => sign * (rankOf(one[sort]) - rankOf(other[sort])));
  const isMore = all.length > last || parts.some(({ data }) => data.meta.hasnext);
  const hasnext = isMore && last + limit <= SORTED_MAX;
  return asking.page(all.slice(last - limit, last).map(shown), { page, limit, hasnext });
}

/** Has each process answer a field, too, which is left out again where it wasn't asked for. */
function withField(call: AnyCall, name: string) {
  const given: readonly string[] = call.query.fields ?? ['all'];
  if (given.includes('all') || given.includes(name)) {
    return { fields: {}, shown: (item: Item): Item => item };
  }
  const shown = (item: Item): Item => {
    const { [name]: _, ...others } = item;
    return others;
  };
  return { fields: { fields: [...given, name].join(',') }, shown };
}

/** The clients of each cell. */
function cellsOf(ids: readonly string[], asking: Asking): ReadonlyMap<number, readonly string[]> {
  const byCell = new Map<number, string[]>();
  for (const id of ids) {
    const { cell } = asking.ofClient(id);
    const known = byCell.get(cell);
    if (known === undefined) byCell.set(cell, [id]);
    else known.push(id);
  }
  return byCell;
}

/** Of a figure or a time; nothing at all comes before everything. */
function rankOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? Date.parse(value) : Number.NEGATIVE_INFINITY;
}

async function kickClients(call: AnyCall, asking: Asking): Promise<Answer> {
  const ids = call.body as readonly string[];
  const byCell = cellsOf(ids, asking);
  const target = targetWith(call, '/clients/kickout/bulk', { report: 'true' });
  const kicked = await Promise.all(
    [...byCell].map(([cell, own]) =>
      asking.ask<{ data: string[] }>(asking.ofCell(cell), { target, body: own }),
    ),
  );
  if (!call.query.report) return NO_CONTENT;
  const isKicked = new Set(kicked.flatMap(({ data }) => data));
  return json({ data: ids.filter((id) => isKicked.has(id)) });
}

const ofClient = byClient(({ params }) => params.clientid);

/** The process that has the client says it, and is told what the others know of who has published there. */
async function explainDelivery(call: AnyCall, asking: Asking): Promise<Answer> {
  const { query: question } = call;
  const own = asking.ofClient(question.clientid);
  const target = `/process/history?topic=${encodeURIComponent(question.topic)}`;
  const parts = await asking.askAll<readonly unknown[]>(({ cell }) =>
    cell === own.cell ? null : { target },
  );
  const elsewhere = parts.flatMap(({ data }) => data);
  const asked = { method: 'POST', target: '/process/why', body: { question, elsewhere } };
  return asking.whole(await asking.ask(own, asked));
}

export const clientRules: Rules = {
  listClients,
  getClient: ofClient,
  kickClient: ofClient,
  kickClients,
  getClientSubscriptions: ofClient,
  getClientQueue: ofClient,
  getClientInflight: ofClient,
  subscribeClient: ofClient,
  subscribeClientBulk: ofClient,
  unsubscribeClient: ofClient,
  unsubscribeClientBulk: ofClient,
  listSubscriptions: (call, asking) =>
    call.query.clientid === undefined
      ? listed(call, asking, '/subscriptions', isOfAll(call))
      : asking.pass(asking.ofClient(call.query.clientid)),
  explainDelivery,
  testAccess: byClient(({ body }) => body.clientid),
};
