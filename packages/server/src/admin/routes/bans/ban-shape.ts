import type { Ban, BanKind } from '@promptmq/auth';
import { z } from 'zod';
import { timeText } from '../../api/texts.ts';

/** Whom EMQX bans by what. */
export const BAN_TYPES = [
  'clientid',
  'username',
  'peerhost',
  'clientid_re',
  'username_re',
  'peerhost_net',
] as const;

export type BanType = (typeof BAN_TYPES)[number];

export const banSchema = z.object({
  as: z.enum(BAN_TYPES),
  who: z.string(),
  by: z.string(),
  reason: z.string(),
  at: z.string().describe('since when'),
  until: z.string().describe('RFC 3339, or infinity'),
});

/** What is banned here, where it is one exactly that EMQX bans by the same. */
const KINDS: Readonly<Record<BanType, BanKind>> = {
  clientid: 'client',
  username: 'user',
  peerhost: 'address',
  clientid_re: 'client',
  username_re: 'user',
  peerhost_net: 'address',
};

/** Whom a ban is on. */
export interface Banned {
  readonly kind: BanKind;
  readonly who: string;
}

/**
 * A regular expression has to be one of a beginning: `^text`, as bans are found without looking at all of them.
 *
 * @returns null when it is another
 */
export function bannedBy(type: BanType, who: string): Banned | null {
  const kind = KINDS[type];
  if (!type.endsWith('_re')) return { kind, who };
  const match = /^\^((?:[^\\.*+?^$(){}|[\]]|\\[^0-9A-Za-z])*)(?:\.\*\$?|\$)?$/.exec(who);
  if (match === null) return null;
  const text = (match[1] as string).replaceAll(/\\(.)/gu, '$1');
  const isExact = who.endsWith('$') && !who.endsWith('.*$');
  return { kind, who: isExact ? text : `${text}*` };
}

export function shownBan(ban: Ban): z.output<typeof banSchema> {
  const { by, reason, at, until } = ban;
  return {
    ...typeAndText(ban),
    by,
    reason,
    at: timeText(at) as string,
    until: timeText(until) ?? 'infinity',
  };
}

function typeAndText({ kind, who }: Ban): { readonly as: BanType; readonly who: string } {
  if (kind === 'address') return { as: who.includes('/') ? 'peerhost_net' : 'peerhost', who };
  const type = kind === 'client' ? 'clientid' : 'username';
  if (!who.endsWith('*')) return { as: type, who };
  return {
    as: `${type}_re`,
    who: `^${who.slice(0, -1).replaceAll(/[\\.*+?^$(){}|[\]]/g, '\\$&')}`,
  };
}
