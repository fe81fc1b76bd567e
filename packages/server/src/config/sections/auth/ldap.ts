import type { z } from 'zod';
import {
  choice,
  durationOrNone,
  flag,
  integer,
  map,
  pathOrNone,
  text,
} from '../../values/units.ts';
import { asking } from './provider.ts';

/** Users of a directory. */
export const ldapProvider = asking({
  url: text(1000).describe('ldaps://HOST:PORT or ldap://HOST:PORT'),
  starttls: flag()
    .prefault(false)
    .describe('whether an ldap:// connection is encrypted before anything else is sent'),
  ca: pathOrNone()
    .prefault(null)
    .describe("file of certificates that are trusted instead of the system's, in PEM"),
  userDn: text(2000)
    .prefault('')
    .describe('name of the entry of a user, such as uid=${username},ou=people,dc=example,dc=org'),
  bindDn: text(2000)
    .prefault('')
    .describe("name of the broker's own account, which searches; empty: nobody's"),
  bindPasswordFile: pathOrNone().prefault(null).describe('file with its password'),
  baseDn: text(2000).prefault('').describe('where users are searched for; in the place of user-dn'),
  scope: choice('sub', 'one', 'base').prefault('sub').describe('how deep'),
  filter: text(2000).prefault('(uid=${username})').describe('which entry is the one of a user'),
  userNameAttribute: text(200)
    .prefault('uid')
    .describe('what of the entry is the user name here: directories find users by other spellings'),
  groupBaseDn: text(2000)
    .prefault('')
    .describe('where groups are searched for; empty: users have none'),
  groupScope: choice('sub', 'one').prefault('sub').describe('how deep'),
  groupFilter: text(2000)
    .prefault('(member=${dn})')
    .describe('which groups are those of a user; ${dn} is the name of its entry'),
  groupNameAttribute: text(200).prefault('cn').describe('what of a group is its name'),
  roles: map(1000)
    .prefault({})
    .describe('role that the members of a group have, by the name of the group'),
  superuserGroup: text(1000)
    .prefault('')
    .describe('group whose members may do everything; empty for nobody'),
  validFor: durationOrNone(1000)
    .prefault('none')
    .describe('after which time a client is disconnected, to prove again who it is'),
  maxConcurrent: integer(1, 64)
    .prefault(4)
    .describe('clients that are asked about at the same time, each by one or two connections'),
  maxWaiting: integer(0, 1_000_000)
    .prefault(1000)
    .describe('clients that wait for that; one beyond them is answered that the broker is busy'),
}).superRefine(({ userDn, baseDn }, context) => {
  if ((userDn === '') === (baseDn === '')) context.addIssue('it takes either user-dn or base-dn');
});

export type LdapSection = z.output<typeof ldapProvider>;
