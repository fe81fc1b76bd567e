import { ADMIN_SCOPES } from '../../config/index.ts';

/** What an API key may be allowed to do. */
export const SCOPES = ADMIN_SCOPES;
export type Scope = (typeof SCOPES)[number];
