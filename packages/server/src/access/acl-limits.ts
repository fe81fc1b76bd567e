import { Acl, type AclFilter, type Identity, Permissions, SUBSCRIBING } from '@promptmq/auth';

/** What a client may do at most, whatever the rules allow it: topic filters, in which %u stands for the user name, %c for the client identifier. */
export interface AclLimits {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** What whoever is limited so may do. */
export function permissionsWithin(
  { publish, subscribe }: AclLimits,
  identity: Identity,
): Permissions {
  const source = 'acl of the hook authenticate';
  const permission = 'allow';
  const acl = new Acl([
    { permission, actions: ['publish'], filters: publish.map(filterOf), source },
    { permission, actions: SUBSCRIBING, filters: subscribe.map(filterOf), source },
  ]);
  return new Permissions([acl], identity);
}

function filterOf(filter: string): AclFilter {
  return { filter };
}
