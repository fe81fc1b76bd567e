import { basename } from 'node:path';
import {
  Acl,
  type AclAction,
  type AclFilter,
  type AclRule,
  EVERY_ACTION,
  isMosquittoAcl,
  networkFault,
  parseMosquittoAcl,
  placeholderFault,
  SUBSCRIBING,
} from '@promptmq/auth';
import { isValidTopicFilter } from '@promptmq/topics';
import { z } from 'zod';
import {
  ConfigError,
  type ConfigProblem,
  foreignFile,
  RULES_BYTES_MAX,
  readTextFile,
  readYamlFile,
  yamlLibrary,
} from '../config/index.ts';

const KEY = 'auth.acl-file';

/** One text or several. */
const texts = z
  .union([z.string().min(1), z.array(z.string().min(1))], 'a text or a list of texts')
  .transform((value) => (typeof value === 'string' ? [value] : value));

const names = texts.refine(
  (list) => list.every((pattern) => !pattern.slice(0, -1).includes('*')),
  'names, with * at the end only',
);

const plainNames = texts.refine((list) => list.every((name) => !name.includes('*')), 'names');

const networks = texts.refine(
  (list) => list.every((text) => networkFault(text) === null),
  'addresses and networks, such as 192.0.2.7, 10.0.0.0/8 or fd00::/8',
);

const filters = texts
  .refine((list) => list.every((filter) => isValidTopicFilter(filter)), 'topic filters')
  .superRefine((list, context) => checkPlaceholders(list, context));

/** As EMQX writes them: with `eq ` before one that is meant as it stands. */
const topics = texts
  .refine((list) => list.every((filter) => isValidTopicFilter(withoutEq(filter))), 'topic filters')
  .superRefine((list, context) => checkPlaceholders(list, context));

const level = z.union([z.literal(0), z.literal(1), z.literal(2)], '0, 1, 2 or a list of these');
const levels = z
  .union([level, z.array(level).min(1)], '0, 1, 2 or a list of these')
  .transform((value) => (typeof value === 'number' ? [value] : value));

const ACTIONS = {
  publish: ['publish'],
  subscribe: SUBSCRIBING,
  receive: ['receive'],
  unsubscribe: ['unsubscribe'],
  all: EVERY_ACTION,
} as const satisfies Readonly<Record<string, readonly AclAction[]>>;

const RANK_MAX = 1_000_000;
const RANK = `a whole number from -${RANK_MAX} to ${RANK_MAX}`;

const ruleSchema = z
  .strictObject({
    user: names.nullable().default(null),
    client: names.nullable().default(null),
    group: plainNames.nullable().default(null),
    role: plainNames.nullable().default(null),
    address: networks.nullable().default(null),
    permission: z.enum(['allow', 'deny'], 'allow or deny').default('allow'),
    publish: filters.default([]),
    subscribe: filters.default([]),
    receive: filters.default([]),
    action: z
      .enum(
        ['publish', 'subscribe', 'receive', 'unsubscribe', 'all'],
        'publish, subscribe, receive, unsubscribe or all',
      )
      .optional(),
    topic: topics.optional(),
    eq: z.boolean('true or false').default(false),
    qos: levels.nullable().default(null),
    retain: z.boolean('true or false').nullable().default(null),
    rank: z.int(RANK).min(-RANK_MAX, RANK).max(RANK_MAX, RANK).default(0),
  })
  .superRefine((rule, context) => {
    const why = whyContradictory(rule);
    if (why !== null) context.addIssue({ code: 'custom', message: why });
  });

type Rule = z.infer<typeof ruleSchema>;

const rulesSchema = z.array(ruleSchema, 'a list of rules');
const ownRulesSchema = z.array(
  ruleSchema.refine(({ role }) => role === null, 'rules without role: they are those of this one'),
  'a list of rules',
);

const fileSchema = z.strictObject({
  rules: rulesSchema.default([]),
  groups: z
    .record(z.string().min(1), names, 'groups by name, such as { ops: [alice, bob] }')
    .default({}),
  roles: z
    .record(
      z.string().min(1),
      z.strictObject({
        users: names.default([]),
        groups: plainNames.default([]),
        rules: ownRulesSchema.default([]),
      }),
      'roles by name, such as { sensor: { users: [sensor-*], rules: [{ publish: a/# }] } }',
    )
    .default({}),
});

/**
 * Reads an ACL file: YAML with a list `rules`, `groups` and `roles`; or one of mosquitto.
 *
 * @throws {ConfigError} with everything that is wrong, with line and column
 */
export function readAclFile(path: string): Acl {
  const text = readTextFile(path, KEY, RULES_BYTES_MAX);
  return isMosquittoAcl(text) ? readMosquittoFile(path, text) : readYamlRules(path);
}

function readMosquittoFile(path: string, text: string): Acl {
  const { rules, problems } = parseMosquittoAcl(text, basename(path));
  if (problems.length === 0) return new Acl(rules);
  throw new ConfigError(
    problems.map(({ line, column, message }) => ({
      key: KEY,
      source: `${path}:${line}:${column}`,
      message,
    })),
  );
}

function readYamlRules(path: string): Acl {
  const { isMap, isNode } = yamlLibrary();
  const { text, document, position } = readYamlFile(path, KEY, RULES_BYTES_MAX);
  const hasRules =
    isMap(document.contents) && (document.contents.has('rules') || document.contents.has('roles'));
  if (!hasRules) {
    const message =
      foreignFile(text, KEY) ??
      'it takes a list of rules, such as `rules: [{ subscribe: public/# }]`';
    throw new ConfigError([{ key: KEY, source: path, message }]);
  }
  const at = (where: readonly PropertyKey[]) => {
    const node = document.getIn(where, true);
    return position(isNode(node) ? (node.range?.[0] ?? 0) : 0);
  };
  const result = fileSchema.safeParse(document.toJS() ?? {});
  if (!result.success)
    throw new ConfigError(result.error.issues.map((issue) => problemOf(issue, at)));
  const { rules, groups, roles } = result.data;
  const file = basename(path);
  const sourceOf = (where: readonly PropertyKey[]) => {
    const line = at(where)
      .slice(path.length + 1)
      .split(':')[0];
    return `${file}:${line}`;
  };
  return new Acl(
    [
      ...rules.flatMap((rule, index) => rulesOf(rule, sourceOf(['rules', index]))),
      ...Object.entries(roles).flatMap(([name, role]) =>
        role.rules.flatMap((rule, index) =>
          rulesOf(rule, sourceOf(['roles', name, 'rules', index]), name),
        ),
      ),
    ],
    { groups: new Map(Object.entries(groups)), roles: new Map(Object.entries(roles)) },
  );
}

/** @param role - that the rule belongs to; it may name others that a client needs besides */
function rulesOf(rule: Rule, source: string, role: string | null = null): AclRule[] {
  const { publish, subscribe, receive, action, topic = [], eq } = rule;
  const parts: [readonly AclAction[], readonly AclFilter[]][] = [
    [ACTIONS.publish, publish.map((filter) => ({ filter, isLiteral: eq }))],
    [ACTIONS.subscribe, subscribe.map((filter) => ({ filter, isLiteral: eq }))],
    [ACTIONS.receive, receive.map((filter) => ({ filter, isLiteral: eq }))],
    [
      ACTIONS[action ?? 'all'],
      topic.map((filter) => ({
        filter: withoutEq(filter),
        isLiteral: eq || filter.startsWith('eq '),
      })),
    ],
  ];
  return parts
    .filter(([, some]) => some.length > 0)
    .map(([actions, some]) => ({
      permission: rule.permission,
      users: rule.user,
      clients: rule.client,
      groups: rule.group,
      roles: role === null ? rule.role : [role],
      addresses: rule.address,
      actions,
      filters: some,
      qos: rule.qos,
      retain: rule.retain,
      rank: rule.rank,
      source,
    }));
}

function problemOf(
  issue: z.core.$ZodIssue,
  at: (where: readonly PropertyKey[]) => string,
): ConfigProblem {
  const where = issue.path.join('.');
  const message =
    issue.code === 'unrecognized_keys'
      ? `unknown key ${issue.keys.join(', ')}; ${keysAt(issue.path)}`
      : `it takes ${issue.message}`;
  return { key: where === '' ? KEY : `${KEY}: ${where}`, source: at(issue.path), message };
}

/** Which keys there are at a place in the file. */
function keysAt(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'a file has rules, groups and roles';
  if (path.length === 2 && path[0] === 'roles') return 'a role has users, groups and rules';
  return `a rule has ${Object.keys(ruleSchema.shape).join(', ')}`;
}

function checkPlaceholders(list: readonly string[], context: z.RefinementCtx): void {
  for (const filter of list) {
    const fault = placeholderFault(filter);
    if (fault !== null) context.addIssue({ code: 'custom', message: `other filters: ${fault}` });
  }
}

function withoutEq(filter: string): string {
  return filter.startsWith('eq ') ? filter.slice(3) : filter;
}

/** What of a rule makes no sense together, in words; null when all does. */
function whyContradictory(rule: Rule): string | null {
  const { action, topic, publish, subscribe, receive, qos, retain } = rule;
  if ((action === undefined) !== (topic === undefined)) return 'action and topic together';
  const isAbout = (name: 'publish' | 'subscribe') =>
    action === name || action === 'all' || { publish, subscribe }[name].length > 0;
  if (retain !== null && !isAbout('publish')) return 'retain where something is published';
  const isOnlyReceived = !isAbout('publish') && !isAbout('subscribe');
  if (qos !== null && isOnlyReceived && (receive.length > 0 || action !== undefined)) {
    return 'qos where something is published or subscribed: what is received has that of its subscription';
  }
  return null;
}
