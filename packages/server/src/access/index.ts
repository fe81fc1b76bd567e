export { Access, type AccessConfig, type OfferedMethod, PROVED_BY, type Rights } from './access.ts';
export type { AclLimits } from './acl-limits.ts';
export type { AskingCredentials } from './chain/custom-provider.ts';
export { type AccessTools, plainTools } from './chain/tools.ts';
export { permissionsByFile } from './rules.ts';
