/** Runs the broker, after installing and building what is missing: `npm start -- [options]`. JavaScript, so that no loader is in its process. */
import { buildIfNeeded } from './lib/prepare.js';

buildIfNeeded();
// In this process, so that signals reach the broker and its exit code is ours.
await import(new URL('../packages/server/bin/promptmq.js', import.meta.url).href);
