import { type Answer, ApiError } from '../../api/operation.ts';
import { NO_CURSOR } from '../../api/page.ts';
import { responderOf } from '../../routes/request.ts';
import { type AnyCall, type Asking, targetWith } from '../asking.ts';
import type { ListedPage } from '../list-pages.ts';
import { byAny, type Rule, type Rules } from '../rule.ts';
import { type ExplainedRecipient, explained } from './access.ts';

/** The process that keeps the topic's retained message, which has the newest. */
const ofTopic: Rule = (call, asking) => asking.pass(asking.ofTopic(call.params.topic));

/** All have all of them. A cursor is good where it was made. */
async function listRetained(call: AnyCall, asking: Asking): Promise<Answer> {
  const { cursor } = call.query as { cursor?: string };
  if (cursor === undefined) return asking.pass(asking.any());
  const dot = cursor.indexOf('.');
  const isFirst = cursor === NO_CURSOR;
  const process = isFirst ? asking.any() : asking.ofCell(cellIn(cursor, dot, asking));
  const inner = isFirst ? NO_CURSOR : cursor.slice(dot + 1);
  const target = targetWith(call, '/mqtt/retainer/messages', { cursor: inner });
  const { data, meta } = await asking.ask<ListedPage<unknown>>(process, { target });
  const { cursor: left = NO_CURSOR } = meta;
  const next = left === NO_CURSOR ? NO_CURSOR : `${process.cell}.${left}`;
  return asking.page(data, { ...meta, cursor: next });
}

/** @throws {ApiError} 400 */
function cellIn(cursor: string, dot: number, { cellCount }: Asking): number {
  const cell = Number(cursor.slice(0, Math.max(0, dot)) || Number.NaN);
  if (Number.isInteger(cell) && cell >= 0 && cell < cellCount) return cell;
  throw new ApiError(400, 'BAD_REQUEST', 'cursor: takes none, or the cursor of the page before');
}

/** Of one request they stay in their order. */
const publishBulk: Rule = (call, asking) => {
  const [first] = call.body as readonly { readonly topic: string }[];
  return asking.pass(asking.ofTopic(first?.topic ?? ''));
};

/** The process of the one who answers: there, it is the only one who could. */
async function request(call: AnyCall, asking: Asking): Promise<Answer> {
  const { topic, qos } = call.body.request as { readonly topic: string; readonly qos: number };
  const target = `/explain?topic=${encodeURIComponent(topic)}&qos=${qos}`;
  const { recipients } = await explained(asking, target);
  const asked = withoutTurns(recipients).map((one) => ({ ...one, isConnected: one.connected }));
  const responder = responderOf(topic, asked, call.caller.scopes.has('read'));
  return asking.pass(asking.ofClient(responder));
}

/** Of a group with members in several processes one stands for all. */
function withoutTurns(recipients: readonly ExplainedRecipient[]): readonly ExplainedRecipient[] {
  const groups = new Set<string>();
  return recipients.filter(({ why, filters }) => {
    const [filter = ''] = filters;
    if (why !== 'one-of-several') return true;
    if (groups.has(filter)) return false;
    groups.add(filter);
    return true;
  });
}

export const messageRules: Rules = {
  getRetainer: byAny,
  listRetained,
  clearRetained: byAny,
  getRetained: ofTopic,
  deleteRetained: ofTopic,
  publish: (call, asking) => asking.pass(asking.ofTopic(call.body.topic)),
  publishBulk,
  request,
};
