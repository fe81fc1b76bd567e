/** Lets a script be TypeScript, and import TypeScript, in all versions of Node.js that we support. */
import { register } from 'node:module';

register('./typescript-hooks.js', import.meta.url);
