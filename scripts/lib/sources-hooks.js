/**
 * A module hook: packages of this repository by their sources, as in the tests.
 *
 * @type {import('node:module').ResolveHook}
 */
export function resolve(specifier, context, next) {
  return next(specifier, { ...context, conditions: ['@promptmq/source', ...context.conditions] });
}
