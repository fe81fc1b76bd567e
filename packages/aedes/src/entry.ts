/*
 * What `import` and `require` get. The declarations are those of index.ts: compilers before TypeScript 5.6 can't read a name in
 * quotation marks.
 */
import { aedes } from './index.ts';

export * from './index.ts';
/** `require('aedes')` returns this: a function that makes a broker, with all that can be imported as its properties. */
export { aedes as default, aedes as 'module.exports' };
