import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * The YAML parser. It is loaded when the first file is read: a broker in another program mostly reads none, and the
 * parser takes as long as a third of its start.
 */
export function yamlLibrary(): typeof import('yaml') {
  return require('yaml');
}
