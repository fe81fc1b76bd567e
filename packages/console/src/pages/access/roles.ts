/** Users, groups and roles as mosquitto's dynamic security has them, and the API. */

export interface RoleRef {
  readonly rolename: string;
  readonly priority?: number;
}

export interface User {
  readonly username: string;
  readonly clientid?: string;
  readonly textname?: string;
  readonly disabled?: boolean;
  readonly roles?: readonly RoleRef[];
  readonly groups?: readonly { readonly groupname: string }[];
}

export interface Group {
  readonly groupname: string;
  readonly textname?: string;
  readonly roles?: readonly RoleRef[];
  readonly clients?: readonly { readonly username: string }[];
}

export interface Acl {
  readonly acltype: string;
  readonly topic: string;
  readonly allow: boolean;
  readonly priority?: number;
}

export interface Role {
  readonly rolename: string;
  readonly textname?: string;
  readonly acls?: readonly Acl[];
}

/** What rules are about, in words. */
export const ACL_TYPES = [
  ['publishClientSend', 'publish'],
  ['publishClientReceive', 'receive'],
  ['subscribePattern', 'subscribe (what the filter covers)'],
  ['subscribeLiteral', 'subscribe (exactly this filter)'],
  ['unsubscribePattern', 'unsubscribe (what the filter covers)'],
  ['unsubscribeLiteral', 'unsubscribe (exactly this filter)'],
] as const;

export type AclType = (typeof ACL_TYPES)[number][0];

/** Names with commas between them. */
export function namesOf(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
