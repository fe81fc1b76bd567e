import type { ConformanceCase } from './case.ts';
import { authenticationCases } from './cases/authentication.ts';
import { connectCases } from './cases/connect.ts';
import { deliveryCases } from './cases/delivery.ts';
import { exchangeCases } from './cases/exchange.ts';
import { formatCases } from './cases/format.ts';
import { limitCases } from './cases/limits.ts';
import { openingCases } from './cases/opening.ts';
import { propertyCases } from './cases/properties.ts';
import { publishCases } from './cases/publish.ts';
import { reasonCases } from './cases/reasons.ts';
import { sessionCases } from './cases/sessions.ts';
import { subscribeCases } from './cases/subscribe.ts';
import { subscriptionCases } from './cases/subscriptions.ts';
import { v311Cases } from './cases/v311.ts';
import { v311ExchangeCases } from './cases/v311-exchange.ts';
import { webSocketCases } from './cases/websocket.ts';
import { willCases } from './cases/wills.ts';

export { CaseList, type ConformanceCase } from './case.ts';
export { Context, RawClient, type Target } from './client.ts';

/** Every case: those of MQTT 5 in the order of the standard, then those of 3.1.1. */
export const allCases: readonly ConformanceCase[] = [
  ...propertyCases,
  ...formatCases,
  ...connectCases,
  ...openingCases,
  ...publishCases,
  ...deliveryCases,
  ...subscribeCases,
  ...subscriptionCases,
  ...sessionCases,
  ...willCases,
  ...limitCases,
  ...exchangeCases,
  ...authenticationCases,
  ...reasonCases,
  ...webSocketCases,
  ...v311Cases,
  ...v311ExchangeCases,
];
export { type PeerResults, report, untested } from './report.ts';
export { type CaseResult, isApplicable, runCase, runCases, startOwn, targetOf } from './run.ts';
