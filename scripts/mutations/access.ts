/** Mutations of the access rules: what is denied stays denied, on every way. */
import type { Mutation } from './mutation.ts';

export const accessMutations: readonly Mutation[] = [
  {
    name: 'acl-denial-not-first',
    breaks: 'of two rules of the same rank the one that denies decides',
    edits: [
      {
        find: 'order: -2 * rank + (isAllowed ? 1 : 0),',
        put: 'order: -2 * rank + (isAllowed ? 0 : 1),',
      },
    ],
    caughtBy: ['access'],
  },
  {
    name: 'acl-placeholder-widens',
    breaks: 'a name with levels or wildcards in it takes a filter away',
    edits: [
      {
        find: "return value !== '' && !value.includes('/') && !(isFirst && value.startsWith('$'));",
        put: "return value !== '' && !(isFirst && value.startsWith('$'));",
      },
    ],
    caughtBy: ['access'],
  },
  {
    name: 'acl-live-messages-unfiltered',
    breaks: 'what a subscription brings is without what a rule denies',
    edits: [
      {
        find: 'if (sender.filter !== null && this.#isWithheld(sender.filter, link.connection as Peer)) {',
        put: 'if (sender.filter !== null && false) {',
      },
    ],
    caughtBy: ['access'],
  },
  {
    name: 'acl-waiting-messages-unfiltered',
    breaks: 'what waits for a client is without what a rule denies when it is sent',
    edits: [
      {
        find: 'if (isAsked && permissions !== null && !permissions.mayReceive(delivery.message.topic)) {',
        put: 'if (permissions !== null && false) {',
      },
    ],
    caughtBy: ['access'],
  },
  {
    name: 'acl-filter-not-noticed',
    breaks: 'a subscription that overlaps with what is denied is known for one',
    edits: [
      {
        find: '!isAllowed || this.#sets.receive.some((set) => set.isDeniedWithin(filter, order));',
        put: '!isAllowed;',
      },
    ],
    caughtBy: ['access'],
  },
  {
    name: 'acl-group-loses-what-one-may-not-have',
    breaks: 'a message of a shared subscription goes to a member that may have it',
    edits: [
      {
        find: 'if (chosen === null || !isWithheldFrom(chosen.session, topic)) return chosen;',
        put: 'return chosen;',
      },
    ],
    caughtBy: ['access'],
  },
  {
    name: 'acl-will-by-names-only',
    breaks: 'a will is published by what its client was allowed',
    edits: [
      {
        find: 'entry.rights = entry.will === null ? null : rights;',
        put: 'entry.rights = null;',
      },
    ],
    caughtBy: ['access'],
  },
];
