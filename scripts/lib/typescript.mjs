/**
 * Lets a script import the TypeScript of this repository as it is, without a build:
 * `node --import ./scripts/lib/typescript.mjs SCRIPT`. Packages are then taken from their sources.
 */
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
