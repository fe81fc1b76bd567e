export type { SourcedValue } from './files/file-source.ts';
export { foreignFile } from './files/foreign-file.ts';
export { listedPaths } from './files/listed-paths.ts';
export { replaceFile } from './files/replace-file.ts';
export { readFileBytes, readTextFile } from './files/text-file.ts';
export { WatchedFiles } from './files/watched-files.ts';
export { RULES_BYTES_MAX, readYamlFile } from './files/yaml-file.ts';
export { yamlLibrary } from './files/yaml-library.ts';
export { configJsonSchema } from './json-schema.ts';
export { type AskedChain, chainAt, chainsOf, isKeptLocal } from './listener-chains.ts';
export { hasListeners, listenerName } from './listener-problems.ts';
export { type ConfigSources, type LoadedConfig, loadConfig } from './load.ts';
export { nearest, toKebabCase } from './names.ts';
export { isIPv6Only, parseNetwork } from './network.ts';
export { type ConfigOption, configOptions, sectionOf } from './options.ts';
export { ConfigError, type ConfigProblem, parseConfig } from './parse.ts';
export {
  changedOptions,
  diffConfig,
  printConfig,
  type ShownOption,
  shownOptions,
  valueAt,
} from './print.ts';
export { type Config, type ConfigInput, configSchema } from './schema.ts';
export { ADMIN_SCOPES } from './sections/admin.ts';
export {
  allowsAnonymous,
  type ChainItem,
  chainOf,
  type ProviderKind,
} from './sections/auth/chain.ts';
export { nodeIdOf, nodeName } from './sections/cluster.ts';
export { WORKERS_MAX } from './sections/server.ts';
export { mapItems } from './values/objects.ts';
export { leavesOf, type SchemaLeaf, type SchemaPart } from './values/parts.ts';
export {
  type Address,
  allowedText,
  parseDuration,
  type Rate,
  type ValueKind,
} from './values/units.ts';
