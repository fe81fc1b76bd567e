import type { Step } from '../api/lists/cursor-pages.ts';
import { LIMIT_MAX, NO_CURSOR } from '../api/page.ts';
import { type AnyCall, type Asking, type Part, targetWith } from './asking.ts';
import type { ServingProcess } from './host.ts';

/** A page as each process answers it. */
export interface ListedPage<T> {
  readonly data: readonly T[];
  readonly meta: {
    readonly count?: number;
    readonly hasnext: boolean;
    readonly cursor?: string;
  };
}

/** Where the list of all processes begins: it has that of the first one, then that of the next one, and so on. */
export const FIRST_CURSOR = `0.${NO_CURSOR}`;

/**
 * Continues a list over all processes.
 *
 * @param cursor - the cell, and the cursor of its process
 * @param read - asks that process for a page
 */
export async function stepOver<T>(
  asking: Asking,
  cursor: string,
  read: (process: ServingProcess, cursor: string) => Promise<ListedPage<T>>,
): Promise<Step<T>> {
  const dot = cursor.indexOf('.');
  const cell = Number(cursor.slice(0, dot));
  const { serving } = asking;
  const process = serving.find((one) => one.cell >= cell);
  if (process === undefined) return { things: [], cursor: null };
  const inner = process.cell === cell ? cursor.slice(dot + 1) : NO_CURSOR;
  const { data, meta } = await read(process, inner);
  const next = meta.cursor ?? NO_CURSOR;
  if (next !== NO_CURSOR) return { things: data, cursor: `${process.cell}.${next}` };
  const isLast = process === serving.at(-1);
  return { things: data, cursor: isLast ? null : `${process.cell + 1}.${NO_CURSOR}` };
}

/** All pages of a list that isn't long, of each process. */
export async function wholeLists<T>(
  call: AnyCall,
  asking: Asking,
  path: string,
): Promise<Part<readonly T[]>[]> {
  const lists = new Map<ServingProcess, T[]>();
  const unfinished = new Set(asking.serving);
  for (let page = 1; unfinished.size > 0; page++) {
    const target = targetWith(call, path, { page, limit: LIMIT_MAX });
    const isAsked = (process: ServingProcess) => page === 1 || unfinished.has(process);
    const parts = await asking.askAll<ListedPage<T>>((one) => (isAsked(one) ? { target } : null));
    for (const process of [...unfinished]) {
      const part = parts.find((one) => one.process === process);
      if (part !== undefined)
        lists.set(process, [...(lists.get(process) ?? []), ...part.data.data]);
      if (part?.data.meta.hasnext !== true) unfinished.delete(process);
    }
  }
  return [...lists].map(([process, data]) => ({ process, data }));
}
