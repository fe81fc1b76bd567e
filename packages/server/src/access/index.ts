export { Access, type Admission, type Credentials, type Proof } from './access.ts';
export type { AclLimits } from './acl-limits.ts';
export { permissionsByFile } from './rules.ts';
