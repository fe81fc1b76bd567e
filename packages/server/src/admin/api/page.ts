import { z } from 'zod';

/** Things of a list that are answered at a time. */
export const LIMIT_DEFAULT = 100;
export const LIMIT_MAX = 10_000;

/** Parameters of every list. */
export const pageQuery = z.object({
  page: z.coerce.number().int().min(1).default(1).describe('which page, from 1 on'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(LIMIT_MAX)
    .default(LIMIT_DEFAULT)
    .describe('things on a page'),
});

/** `{ data, meta }`, as every list is answered. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    data: z.array(item),
    meta: z.object({
      page: z.number().int(),
      limit: z.number().int(),
      count: z
        .number()
        .int()
        .optional()
        .describe('of all pages; left out where counting would take a scan'),
      hasnext: z.boolean(),
      missing: z
        .array(z.string())
        .optional()
        .describe('processes that are not there just now: nothing of them is in it'),
    }),
  });
}

/** Where a list begins, and that it has ended. */
export const NO_CURSOR = 'none';

/** Of lists that can also be read without gaps, whatever comes and goes meanwhile. */
export const cursorQuery = z.object({
  cursor: z
    .string()
    .optional()
    .describe(
      'in the place of page: none for the first page, then the cursor of the page before. What is there all the time is on one page exactly',
    ),
});

/** As `pageOf`, of lists with `cursorQuery`. */
export function cursorPageOf<T extends z.ZodType>(item: T) {
  const { shape } = pageOf(item);
  return z.object({
    ...shape,
    meta: shape.meta.extend({
      page: shape.meta.shape.page.optional().describe('left out with a cursor'),
      cursor: z
        .string()
        .optional()
        .describe('for the next page; none when there is none; left out without a cursor'),
    }),
  });
}

/** The page of a list that is held whole. */
export function pageFrom<T>(all: readonly T[], { page, limit }: z.output<typeof pageQuery>) {
  const start = (page - 1) * limit;
  return {
    data: all.slice(start, start + limit),
    meta: { page, limit, count: all.length, hasnext: start + limit < all.length },
  };
}
