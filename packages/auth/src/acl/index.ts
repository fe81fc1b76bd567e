export { Acl, type AclMembers } from './acl.ts';
export { AclClaimError, aclFromClaim } from './acl-claim.ts';
export {
  type AclAction,
  type AclDefaults,
  type AclFilter,
  type AclRule,
  ALLOWED_BY_DEFAULT,
  DENIED_BY_DEFAULT,
  type Decision,
  EVERY_ACTION,
  type Identity,
  SUBSCRIBING,
} from './acl-rule.ts';
export { isMosquittoAcl, type MosquittoAclProblem, parseMosquittoAcl } from './mosquitto-acl.ts';
export { Networks, networkFault } from './networks.ts';
export { Permissions, type PermissionsOptions, permissionsOf } from './permissions.ts';
export { placeholderFault } from './placeholders.ts';
export { isPresenceTopic } from './presence-topics.ts';
