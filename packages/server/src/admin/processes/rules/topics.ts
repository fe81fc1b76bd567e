import { WalkedPages } from '../../api/lists/walked-pages.ts';
import { type Answer, ApiError, json } from '../../api/operation.ts';
import { NO_CURSOR } from '../../api/page.ts';
import { type AnyCall, type Asking, dataOf, targetWith } from '../asking.ts';
import type { ServingProcess } from '../host.ts';
import { FIRST_CURSOR, type ListedPage, stepOver } from '../list-pages.ts';
import { lowest } from '../numbers.ts';
import type { Rules } from '../rule.ts';

/** Things that a process is asked for at a time. */
const STEP_MAX = 500;

interface Topic {
  readonly topic: string;
}

interface Group extends Topic {
  readonly share_group: string;
  readonly members_cnt: number;
  readonly members: readonly unknown[];
  readonly next: string | null;
}

const topicPages = new WalkedPages<Topic>();
const groupPages = new WalkedPages<Group>();

/** A page of a list whose cursors are good once. @param keep - leaves out what another process has answered, or adds to it */
async function walked<T>(
  call: AnyCall,
  asking: Asking,
  path: string,
  pages: WalkedPages<T>,
  keep: (process: ServingProcess, things: readonly T[]) => Promise<readonly T[]>,
): Promise<Answer> {
  const { page, limit, cursor: from } = call.query;
  const step = async (cursor: string | null, stepLimit: number) => {
    const found = await stepOver(asking, cursor ?? FIRST_CURSOR, async (process, inner) => {
      const changes = { page: null, limit: Math.min(stepLimit, STEP_MAX), cursor: inner };
      const target = targetWith(call, path, changes);
      const read = await asking.ask<ListedPage<T>>(process, { target });
      return { ...read, data: await keep(process, read.data) };
    });
    return found;
  };
  if (from !== undefined) {
    const { things, cursor } = await step(from === NO_CURSOR ? null : from, limit);
    return asking.page(things, { limit, cursor: cursor ?? NO_CURSOR, hasnext: cursor !== null });
  }
  const walk = { key: `${limit}`, step };
  const { things, count, hasNext } = await pages.find(walk, page, limit, call.signal);
  const counted = count === null ? {} : { count };
  return asking.page(things, { page, limit, ...counted, hasnext: hasNext });
}

/** Without those that a process before this one has, too. */
async function first(
  asking: Asking,
  process: ServingProcess,
  topics: readonly Topic[],
): Promise<readonly Topic[]> {
  let left = topics;
  for (const before of asking.serving) {
    if (before.cell >= process.cell || left.length === 0) break;
    const body = left.map(({ topic }) => topic);
    const asked = { method: 'POST', target: '/process/filters', body };
    const isThere = await asking.ask<boolean[]>(before, asked);
    left = left.filter((_, index) => isThere[index] !== true);
  }
  return left;
}

/** Without those that a process before this one has, too, and with the members that others after it have. */
async function together(
  asking: Asking,
  process: ServingProcess,
  groups: readonly Group[],
): Promise<readonly Group[]> {
  let left = groups;
  for (const other of asking.serving) {
    if (other.cell === process.cell || left.length === 0) continue;
    const body = left.map(({ share_group, topic }) => `$share/${share_group}/${topic}`);
    const asked = { method: 'POST', target: '/process/groups', body };
    const there = await asking.ask<(Group | null)[]>(other, asked);
    left =
      other.cell < process.cell
        ? left.filter((_, index) => there[index] === null)
        : left.map((group, index) => withMembers(group, there[index] ?? null));
  }
  return left;
}

const MEMBERS_MAX = 100;

/** Whose turn it is depends on the process that the message comes to. */
function withMembers(group: Group, more: Group | null): Group {
  if (more === null) return group;
  return {
    ...group,
    members_cnt: group.members_cnt + more.members_cnt,
    members: [...group.members, ...more.members].slice(0, MEMBERS_MAX),
    next: null,
  };
}

async function listTopics(call: AnyCall, asking: Asking): Promise<Answer> {
  if (call.query.topic === undefined && call.query.node === undefined) {
    return walked(call, asking, '/topics', topicPages, (process, topics) =>
      first(asking, process, topics),
    );
  }
  const { page, limit } = call.query;
  const target = targetWith(call, '/topics', { page: 1, limit: 1 });
  const parts = await asking.askAll<ListedPage<Topic>>(() => ({ target }));
  if (call.query.topic === undefined && parts.some(({ data }) => data.data.length > 0)) {
    const all = targetWith(call, '/topics', { node: null });
    return walked(call, asking, all, topicPages, (process, topics) =>
      first(asking, process, topics),
    );
  }
  const found = parts.flatMap(({ data }) => data.data).slice(0, page === 1 ? 1 : 0);
  return asking.page(found, { page, limit, count: found.length, hasnext: false });
}

async function getTopic(_: AnyCall, asking: Asking): Promise<Answer> {
  const answers = await asking.answersOf();
  const found = answers.find(({ status }) => status !== 404) ?? answers[0];
  if (found === undefined) throw new ApiError(404, 'TOPIC_NOT_FOUND', 'Topic not found');
  return json(dataOf(found));
}

// ------------------------------------------------------------------ topic tree

interface Level {
  readonly level: string;
  readonly topic: string;
  readonly retained_topics: number;
  readonly counted: boolean;
  readonly recent_topics: number;
  readonly recent: boolean;
  readonly whole: boolean;
  readonly retained: unknown;
}

interface Levels {
  readonly data: readonly Level[];
  readonly meta: { readonly hasnext: boolean };
}

/**
 * All have the retained messages, and each knows the topics of late that were published to it: of those that are below a level, there
 * are as many at least as the one has that has most.
 */
async function getTopicTree(call: AnyCall, asking: Asking): Promise<Answer> {
  const parts = await asking.askAll<Levels>();
  const levels = new Map<string, Level>();
  for (const { data } of parts) {
    for (const level of data.data) {
      const known = levels.get(level.topic);
      levels.set(level.topic, known === undefined ? level : both(known, level));
    }
  }
  const depthOf = ({ topic }: Level) => topic.split('/').length;
  const all = [...levels.values()];
  const kept = [...all]
    .sort((one, other) => depthOf(one) - depthOf(other))
    .slice(0, call.query.limit);
  const isKept = new Set(kept.map(({ topic }) => topic));
  const isCut = new Set<string>();
  let isPart = parts.some(({ data }) => data.meta.hasnext);
  const top = lowest(all.map(depthOf));
  for (const level of all) {
    if (isKept.has(level.topic)) continue;
    if (depthOf(level) === top) isPart = true;
    isCut.add(level.topic.slice(0, Math.max(0, level.topic.length - level.level.length - 1)));
  }
  const data = kept.map((level) => (isCut.has(level.topic) ? { ...level, whole: false } : level));
  return asking.whole({ data, meta: { hasnext: isPart } });
}

function both(one: Level, other: Level): Level {
  return {
    ...one,
    retained_topics: Math.max(one.retained_topics, other.retained_topics),
    counted: one.counted && other.counted,
    recent_topics: Math.max(one.recent_topics, other.recent_topics),
    recent: one.recent || other.recent,
    whole: one.whole && other.whole,
    retained: one.retained ?? other.retained,
  };
}

export const topicRules: Rules = {
  listTopics,
  getTopic,
  listSharedGroups: (call, asking) =>
    walked(call, asking, '/shared_groups', groupPages, (process, groups) =>
      together(asking, process, groups),
    ),
  getTopicTree,
};
