import type { ConformanceCase } from './case.ts';
import { acknowledgementCases } from './cases/acknowledgements.ts';
import { authenticationCases } from './cases/authentication.ts';
import { connectCases } from './cases/connect.ts';
import { exchangeCases } from './cases/exchange.ts';
import { flowControlCases } from './cases/flow-control.ts';
import { formatCases } from './cases/format.ts';
import { limitCases } from './cases/limits.ts';
import { messageExpiryCases } from './cases/message-expiry.ts';
import { openingCases } from './cases/opening.ts';
import { orderingCases } from './cases/ordering.ts';
import { packetSizeCases } from './cases/packet-size.ts';
import { pingAndDisconnectCases } from './cases/ping-and-disconnect.ts';
import { propertyCases } from './cases/properties.ts';
import { publishCases } from './cases/publish.ts';
import { reasonCases } from './cases/reasons.ts';
import { retainedCases } from './cases/retained.ts';
import { sessionCases } from './cases/sessions.ts';
import { sharedSubscriptionCases } from './cases/shared-subscriptions.ts';
import { subscribeCases } from './cases/subscribe.ts';
import { subscriptionCases } from './cases/subscriptions.ts';
import { topicAliasCases } from './cases/topic-aliases.ts';
import { topicFilterCases } from './cases/topic-filters.ts';
import { v31Cases } from './cases/v31.ts';
import { v311Cases } from './cases/v311.ts';
import { v311ExchangeCases } from './cases/v311-exchange.ts';
import { webSocketCases } from './cases/websocket.ts';
import { willCases } from './cases/wills.ts';

/** Every case: those of MQTT 5 area by area, then those of 3.1.1 and of 3.1. */
export const allCases: readonly ConformanceCase[] = [
  ...propertyCases,
  ...formatCases,
  ...connectCases,
  ...openingCases,
  ...publishCases,
  ...messageExpiryCases,
  ...acknowledgementCases,
  ...flowControlCases,
  ...orderingCases,
  ...packetSizeCases,
  ...pingAndDisconnectCases,
  ...subscribeCases,
  ...topicFilterCases,
  ...subscriptionCases,
  ...retainedCases,
  ...topicAliasCases,
  ...sharedSubscriptionCases,
  ...sessionCases,
  ...willCases,
  ...limitCases,
  ...exchangeCases,
  ...authenticationCases,
  ...reasonCases,
  ...webSocketCases,
  ...v311Cases,
  ...v311ExchangeCases,
  ...v31Cases,
];
