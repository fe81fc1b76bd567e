export { type ConfigSources, loadConfig } from './load.ts';
export { type ConfigOption, configOptions, nearest } from './options.ts';
export { ConfigError, type ConfigProblem, parseConfig } from './parse.ts';
export { type Config, type ConfigInput, configSchema } from './schema.ts';
export type { Address } from './units.ts';
