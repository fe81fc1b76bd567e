import {
  type AclDefaults,
  ALLOWED_BY_DEFAULT,
  DENIED_BY_DEFAULT,
  type Identity,
  type Permissions,
  permissionsOf,
} from '@promptmq/auth';
import type { Config } from '../config/index.ts';
import { readAclFile } from './acl-file.ts';

/** What `auth.acl-default` stands for; undefined where it depends on whether there are rules. */
export const ACL_DEFAULTS: Readonly<Record<Config['auth']['aclDefault'], AclDefaults | undefined>> =
  {
    auto: undefined,
    allow: ALLOWED_BY_DEFAULT,
    deny: DENIED_BY_DEFAULT,
  };

/**
 * What the rules of a configuration allow a client, without a broker.
 *
 * @returns null when it may do everything
 * @throws {ConfigError} when the file of rules can't be used
 */
export function permissionsByFile(
  { aclFile, aclDefault }: Pick<Config['auth'], 'aclFile' | 'aclDefault'>,
  identity: Identity,
): Permissions | null {
  const defaults = ACL_DEFAULTS[aclDefault];
  return permissionsOf(
    aclFile === null ? [] : [readAclFile(aclFile)],
    identity,
    defaults === undefined ? {} : { defaults },
  );
}
