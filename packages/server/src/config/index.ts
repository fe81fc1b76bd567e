export { type ConfigSources, loadConfig } from './load.ts';
export { nearest } from './names.ts';
export { type ConfigOption, configOptions, sectionOf } from './options.ts';
export { ConfigError, type ConfigProblem, parseConfig } from './parse.ts';
export { type Config, type ConfigInput, configSchema } from './schema.ts';
export type { Address } from './units.ts';
