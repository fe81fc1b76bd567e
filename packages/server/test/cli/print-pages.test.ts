import { afterEach, expect, jest, test } from '@jest/globals';
import { printPages } from '../../src/cli/ask-broker.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

/** What is written to a stream. */
function written(stream: NodeJS.WriteStream): string[] {
  const lines: string[] = [];
  jest.spyOn(stream, 'write').mockImplementation((text) => {
    lines.push(`${text}`);
    return true;
  });
  return lines;
}

test('a list that is not whole says once what is missing', async () => {
  const output = written(process.stdout);
  const errors = written(process.stderr);
  const pages = [
    { data: ['a', 'b'], meta: { cursor: '1.none', missing: ['worker 2'] } },
    { data: ['c'], meta: { cursor: 'none', missing: ['worker 2'] } },
  ];
  const asked: string[] = [];
  const read = async ({ cursor }: { cursor: string }) => {
    asked.push(cursor);
    return pages[asked.length - 1] as (typeof pages)[number];
  };
  await printPages({}, read, (item) => item);
  expect(asked).toEqual(['none', '1.none']);
  expect(output).toEqual(['a\n', 'b\n', 'c\n']);
  expect(errors).toEqual(['promptmq: not there just now, and not in the list: worker 2\n']);
});

test('a whole list says nothing beside it', async () => {
  written(process.stdout);
  const errors = written(process.stderr);
  await printPages(
    {},
    async () => ({ data: ['a'], meta: {} }),
    (item) => item,
  );
  expect(errors).toEqual([]);
});
