import { expect, test } from '@jest/globals';
import { PostgresMap } from '../../src/engine/postgres/postgres-map.ts';
import type { PostgresNotices } from '../../src/engine/postgres/postgres-notices.ts';
import type { PostgresSession } from '../../src/engine/postgres/postgres-session.ts';

const TABLES = { map: 'map', revisions: 'revisions', notices: 'notices' } as never;

test('who watches hears of later changes also after it has thrown', async () => {
  const value = new Uint8Array(1);
  const rows = ['a', 'b'].map((key, index) => ({ key, value, revision: `${index + 1}` }));
  const session = { query: async () => rows } as unknown as PostgresSession;
  const notices = { isListening: false, follow: () => () => {} } as unknown as PostgresNotices;
  const errors: unknown[] = [];
  const map = new PostgresMap(session, notices, TABLES, 1, (error) => errors.push(error));
  const heard: string[] = [];
  const mistake = new Error('a mistake of a listener');
  await new Promise<void>((resolve) => {
    const end = map.watch('', (key) => {
      heard.push(key);
      if (key === 'a') throw mistake;
      end();
      resolve();
    });
  });
  expect([heard, errors]).toEqual([['a', 'b'], [mistake]]);
});
