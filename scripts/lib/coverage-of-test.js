/**
 * Loaded before each file of tests when NODE_V8_COVERAGE asks for coverage: writes what that file runs of the packages there,
 * as processes of their own do. Were the whole process observed, V8 would keep every instance of every module, as each
 * file of tests loads its own.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { stopCoverage } from 'node:v8';
import { afterAll } from '@jest/globals';

const folder = process.env.NODE_V8_COVERAGE;
const OWN = /^file:.*\/packages\/[^/]+\/(src|dist)\//;

if (folder !== undefined) {
  stopCoverage();
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  afterAll(() => {
    session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
      // Of modules of an earlier file that are still alive, V8 only counts the calls of functions.
      const own = result.filter(({ url, functions }) => OWN.test(url) && isWhole(functions[0]));
      const name = `coverage-${process.pid}-${process.hrtime.bigint()}.json`;
      writeFileSync(join(folder, name), JSON.stringify({ result: own }));
    });
    session.post('Profiler.stopPreciseCoverage');
    session.disconnect();
  });
}

/** @param {import('node:inspector').Profiler.FunctionCoverage | undefined} whole */
function isWhole(whole) {
  return whole?.isBlockCoverage === true && whole.ranges[0]?.startOffset === 0;
}
