import { type Answer, ApiError, json, NO_CONTENT } from '../../api/operation.ts';
import { pageFrom } from '../../api/page.ts';
import { isQuestionOfUsers } from '../../routes/users.ts';
import { type AnyCall, type Asking, dataOf, targetWith } from '../asking.ts';
import { wholeLists } from '../list-pages.ts';
import { byAny, byEveryone, type Rules } from '../rule.ts';

interface Ban {
  readonly as: string;
  readonly who: string;
  readonly at: string;
}

/** What one process has alone is a ban, too: it was made by that, or is left over of what all should have done. */
async function listBanned(call: AnyCall, asking: Asking): Promise<Answer> {
  const parts = await wholeLists<Ban>(call, asking, '/banned');
  const bans = new Map<string, Ban>();
  for (const { data } of parts) {
    for (const ban of data) {
      const key = `${ban.as} ${ban.who}`;
      if (!bans.has(key)) bans.set(key, ban);
    }
  }
  const all = [...bans.values()].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  const { data, meta } = pageFrom(all, call.query);
  return asking.page(data, meta);
}

/** There was one where any process had it. */
async function deleteBanned(_: AnyCall, asking: Asking): Promise<Answer> {
  asking.everyone();
  const answers = await asking.answersOf();
  for (const answer of answers) if (answer.status !== 404) dataOf(answer);
  if (answers.some(({ status }) => status < 400)) return NO_CONTENT;
  const [first] = answers;
  return first === undefined ? NO_CONTENT : json(dataOf(first));
}

// -------------------------------------------------------------------- who gets it

/** A recipient as one process says it of its own clients. */
export interface ExplainedRecipient {
  readonly clientid: string;
  readonly connected: boolean;
  readonly filters: readonly string[];
  readonly outcome: string;
  readonly qos: number | null;
  readonly why: string | null;
}

export interface Explained {
  readonly publisher: { readonly allowed: boolean } | null;
  readonly count: number;
  readonly recipients: readonly ExplainedRecipient[];
}

const RECIPIENTS_MAX = 1000;

/** Of a group that has members in several processes, each process would choose one, and only one of these gets it. */
const ONE_OF_SEVERAL = 'one-of-several';

/** What all processes say of a message. @param target - the question */
export async function explained(asking: Asking, target: string, from?: string): Promise<Explained> {
  const parts = await asking.askAll<Explained>(() => ({ method: 'GET', target }));
  const own = from === undefined ? undefined : asking.ofClient(from);
  // The rules of its connection hold, which one process knows.
  const ofPublisher = parts.find(({ process }) => process.cell === own?.cell) ?? parts[0];
  const publisher = ofPublisher?.data.publisher ?? null;
  const facts = { ...(ofPublisher?.data as Explained), publisher };
  if (publisher?.allowed === false) return { ...facts, count: 0, recipients: [] };
  const inSeveral = groupsOf(parts.map(({ data }) => data.recipients));
  const recipients = parts
    .flatMap(({ data }) => data.recipients)
    .map((one) => {
      const isChosen =
        one.outcome !== 'nothing' && one.filters.every((filter) => inSeveral.has(filter));
      return isChosen ? { ...one, why: ONE_OF_SEVERAL } : one;
    })
    .slice(0, RECIPIENTS_MAX);
  const count = parts.reduce((sum, { data }) => sum + data.count, 0);
  return { ...facts, count, recipients };
}

/** Shared groups of which several processes have members. */
function groupsOf(parts: readonly (readonly ExplainedRecipient[])[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const several = new Set<string>();
  for (const recipients of parts) {
    const own = new Set(recipients.flatMap(({ filters }) => filters));
    for (const filter of own) {
      if (!filter.startsWith('$share/')) continue;
      if (seen.has(filter)) several.add(filter);
      seen.add(filter);
    }
  }
  return several;
}

async function explainPublish(call: AnyCall, asking: Asking): Promise<Answer> {
  const { from } = call.query;
  return asking.whole(await explained(asking, targetWith(call, '/explain', {}), from));
}

// ------------------------------------------------------------------------ users

/** Questions are for one, and changes for all. */
async function askDynamicSecurity(call: AnyCall, asking: Asking): Promise<Answer> {
  const commands = call.body.commands as readonly { readonly command: string }[];
  if (isQuestionOfUsers(commands)) return asking.pass(asking.any());
  const [first, ...others] = asking.everyone();
  if (first === undefined) throw new ApiError(503, 'PROCESS_AWAY', 'nobody serves just now');
  const answer = await asking.ask<object>(first);
  await Promise.all(others.map((process) => asking.ask(process)));
  return json(answer);
}

export const accessRules: Rules = {
  listBanned,
  createBanned: byEveryone,
  deleteBanned,
  clearBanned: byEveryone,
  explainPublish,
  ...Object.fromEntries(
    ['User', 'Group', 'Role'].flatMap((kind) => [
      [`list${kind}s`, byAny],
      [`get${kind}`, byAny],
      [`create${kind}`, byEveryone],
      [`modify${kind}`, byEveryone],
      [`delete${kind}`, byEveryone],
    ]),
  ),
  exportDynamicSecurity: byAny,
  importDynamicSecurity: byEveryone,
  askDynamicSecurity,
};
