import type { HostileCase } from './case.ts';
import { authorisationCases } from './cases/authorisation.ts';
import { framingCases } from './cases/framing.ts';
import { propertyAttackCases } from './cases/properties.ts';
import { resourceCases } from './cases/resources.ts';
import { stateCases } from './cases/state.ts';
import { stringCases } from './cases/strings.ts';
import { tlsCases } from './cases/tls.ts';
import { waitingCases } from './cases/waiting.ts';
import { webSocketAttackCases } from './cases/websocket.ts';

/** Every hostile case, area by area. */
export const hostileCases: readonly HostileCase[] = [
  ...framingCases,
  ...stringCases,
  ...propertyAttackCases,
  ...stateCases,
  ...authorisationCases,
  ...resourceCases,
  ...waitingCases,
  ...webSocketAttackCases,
  ...tlsCases,
];
