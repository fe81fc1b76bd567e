import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { fieldProblem } from '../../src/admin/api/field-problem.ts';
import { pageQuery } from '../../src/admin/api/page.ts';

const schema = z.object({
  inner: z.strictObject({ b: z.string(), a: z.string() }).optional(),
  none: z.strictObject({}).optional(),
  page: pageQuery.shape.page,
  qos: z.number().int().min(0).max(2).optional(),
  kind: z.enum(['plain', 'base64']).optional(),
  is_open: z.boolean().optional(),
  name: z.string().min(1).max(8).optional(),
  share: z.number().max(1).optional(),
  either: z.union([z.string(), z.number().int()]).optional(),
  list: z
    .array(z.object({ topic: z.string() }))
    .min(1)
    .optional(),
  even: z
    .number()
    .refine((value) => value % 2 === 0, 'it has to be even')
    .optional(),
});

test.each<[unknown, string]>([
  [{ page: 'abc' }, 'page takes a whole number from 1 on, not "abc"'],
  [{ page: 0 }, 'page takes a whole number from 1 on, not 0'],
  [{ qos: 3 }, 'qos takes a whole number from 0 to 2, not 3'],
  [{ kind: 'hex' }, 'kind takes one of plain, base64, not "hex"'],
  [{ is_open: 'yes' }, 'is_open takes true or false, not "yes"'],
  [{ name: '' }, 'name takes a text of 1 to 8 characters, not ""'],
  [{ share: 2 }, 'share takes a number of at most 1, not 2'],
  [{ either: true }, 'either takes a text or a whole number, not true'],
  [{ list: [] }, 'list takes a list of at least 1 items, not []'],
  [{ list: [{}] }, 'list.0.topic is missing: it takes a text'],
  [
    { list: [{ topic: { a: 'x'.repeat(100) } }] },
    `list.0.topic takes a text, not {"a":"${'x'.repeat(54)}…`,
  ],
  [{ even: 3 }, 'even: it has to be even'],
  [{ inner: { a: '', b: '', c: '' } }, 'inner.c is no field of it; there are a, b'],
  [{ inner: 1 }, 'inner takes an object with b, a, not 1'],
  [{ none: { c: '' } }, 'none.c is no field of it: it has none'],
  [
    'text',
    'body takes an object with inner, none, page, qos, kind, is_open, name, share, either, list, even, not "text"',
  ],
  [
    undefined,
    'body is missing: it takes an object with inner, none, page, qos, kind, is_open, name, share, either, list, even',
  ],
])('%j: %s', (value, text) => {
  const { error } = schema.safeParse(value);
  expect(fieldProblem(schema, value, error as z.ZodError, 'body')).toBe(text);
});
