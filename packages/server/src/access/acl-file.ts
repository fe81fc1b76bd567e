import { isValidTopicFilter } from '@promptmq/topics';
import { z } from 'zod';
import {
  ConfigError,
  type ConfigProblem,
  foreignFile,
  RULES_BYTES_MAX,
  readYamlFile,
  yamlLibrary,
} from '../config/index.ts';
import type { AclRule } from './acl.ts';

const KEY = 'auth.acl-file';

/** One text or several. */
const texts = z
  .union([z.string().min(1), z.array(z.string().min(1))], 'a text or a list of texts')
  .transform((value) => (typeof value === 'string' ? [value] : value));

const filters = texts.refine(
  (list) => list.every((filter) => isValidTopicFilter(filter)),
  'topic filters',
);

const patterns = texts.refine(
  (list) => list.every((pattern) => !pattern.slice(0, -1).includes('*')),
  'names, with * at the end only',
);

const fileSchema = z.strictObject({
  rules: z.array(
    z
      .strictObject({
        user: patterns.nullable().default(null),
        client: patterns.nullable().default(null),
        publish: filters.default([]),
        subscribe: filters.default([]),
      })
      .transform(
        ({ user, client, publish, subscribe }): AclRule => ({
          users: user,
          clients: client,
          publish,
          subscribe,
        }),
      ),
    'a list of rules',
  ),
});

/**
 * Reads an ACL file: YAML with a list `rules`, each with `user` and `client` (who) and `publish` and
 * `subscribe` (topic filters).
 *
 * @throws {ConfigError} with everything that is wrong, with line and column
 */
export function readAclFile(path: string): readonly AclRule[] {
  const { isMap, isNode } = yamlLibrary();
  const { text, document, position } = readYamlFile(path, KEY, RULES_BYTES_MAX);
  if (!isMap(document.contents) || !document.contents.has('rules')) {
    const message =
      foreignFile(text, KEY) ??
      'it takes a list of rules, such as `rules: [{ subscribe: public/# }]`';
    throw new ConfigError([{ key: KEY, source: path, message }]);
  }
  const result = fileSchema.safeParse(document.toJS() ?? {});
  if (result.success) return result.data.rules;
  const problems = result.error.issues.map((issue): ConfigProblem => {
    const node = document.getIn(issue.path, true);
    const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    const where = issue.path.join('.');
    const message =
      issue.code === 'unrecognized_keys'
        ? `unknown key ${issue.keys.join(', ')}; a rule has user, client, publish and subscribe`
        : `it takes ${issue.message}`;
    return { key: where === '' ? KEY : `${KEY}: ${where}`, source: position(offset), message };
  });
  throw new ConfigError(problems);
}
