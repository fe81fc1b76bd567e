import type { ConformanceCase } from './case.ts';
import { authenticationCases } from './cases/authentication.ts';
import { connectCases } from './cases/connect.ts';
import { exchangeCases } from './cases/exchange.ts';
import { limitCases } from './cases/limits.ts';
import { publishCases } from './cases/publish.ts';
import { subscribeCases } from './cases/subscribe.ts';
import { v311Cases } from './cases/v311.ts';

export { CaseList, type ConformanceCase } from './case.ts';
export { Context, RawClient, type Target } from './client.ts';

/** Every case: those of MQTT 5 in the order of the standard, then those of 3.1.1. */
export const allCases: readonly ConformanceCase[] = [
  ...connectCases,
  ...publishCases,
  ...subscribeCases,
  ...limitCases,
  ...exchangeCases,
  ...authenticationCases,
  ...v311Cases,
];
export { type PeerResults, report, untested } from './report.ts';
export { type CaseResult, isApplicable, runCase, runCases, startOwn, targetOf } from './run.ts';
