export type { SourcedValue } from './file-source.ts';
export { configJsonSchema } from './json-schema.ts';
export { type ConfigSources, type LoadedConfig, loadConfig } from './load.ts';
export { nearest } from './names.ts';
export { type ConfigOption, configOptions, sectionOf } from './options.ts';
export { ConfigError, type ConfigProblem, parseConfig } from './parse.ts';
export { changedOptions, diffConfig, printConfig, valueAt } from './print.ts';
export { type Config, type ConfigInput, configSchema } from './schema.ts';
export { type Address, allowedText } from './units.ts';
