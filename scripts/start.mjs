#!/usr/bin/env node
/** `npm start -- [options]`: installs and builds what is missing, then runs the broker. */
import './lib/node-version.mjs';
import { buildIfNeeded, installIfNeeded } from './lib/prepare.mjs';

installIfNeeded();
buildIfNeeded();
// In this process, so that signals reach the broker and its exit code is ours.
await import('../packages/server/bin/promptmq.js');
