/** A report of each entry: every public declaration in one file, so that a change of one is seen in a review. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
} from '@microsoft/api-extractor';
import type { Entry } from './entries.ts';

/** @returns texts by the entries' names */
export function makeReports(root: string, entries: readonly Entry[]): ReadonlyMap<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-api-'));
  try {
    return new Map(entries.map((entry) => [entry.name, report(root, folder, entry)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report(root: string, folder: string, entry: Entry): string {
  const silent = { default: { logLevel: ExtractorLogLevel.None } };
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: entry.folder,
      mainEntryPointFilePath: entry.declarations,
      compiler: {
        overrideTsconfig: {
          extends: join(root, 'tsconfig.base.json'),
          compilerOptions: { composite: false, noEmit: true },
          files: [entry.declarations],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${entry.name}.api.md`,
        reportFolder: folder,
        reportTempFolder: join(folder, 'new'),
        // What these use and nobody can name is public all the same.
        includeForgottenExports: !entry.refersToMade,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(entry.folder, 'package.json'),
  });
  const errors: string[] = [];
  const messageCallback = (message: ExtractorMessage) => {
    if (message.logLevel === ExtractorLogLevel.Error) errors.push(message.text);
    message.handled = true;
  };
  Extractor.invoke(config, { localBuild: true, messageCallback });
  if (errors.length > 0) throw new Error(`${entry.specifier}: ${errors.join('\n')}`);
  const text = readFileSync(join(folder, `${entry.name}.api.md`), 'utf8');
  return text.replace(/^## .*$/m, `# Public declarations of ${entry.specifier}`);
}
