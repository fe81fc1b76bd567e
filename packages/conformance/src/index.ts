export { CaseList, type ConformanceCase } from './case.ts';
export { Context, RawClient, type Target } from './client.ts';

import type { ConformanceCase } from './case.ts';
import { connectCases } from './cases/connect.ts';
import { publishCases } from './cases/publish.ts';
import { subscribeCases } from './cases/subscribe.ts';

/** Every case, in the order of the standard. */
export const allCases: readonly ConformanceCase[] = [
  ...connectCases,
  ...publishCases,
  ...subscribeCases,
];
