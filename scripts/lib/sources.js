/** What is imported from now on takes the packages of this repository from their sources, without a build. */
import { register } from 'node:module';

register('./sources-hooks.js', import.meta.url);
