export { Access, type Admission, type Credentials } from './access.ts';
export type { Permissions } from './acl.ts';
export { hashPassword } from './password.ts';
