import { ConfigError } from '../../../config/index.ts';
import type { Reconfiguration } from '../../../embed/reconfigure.ts';
import { API_PATH } from '../../api/admin-api.ts';
import { type Caller, SCOPES } from '../../api/operation.ts';
import { askProcess, refusalOf } from '../ask-process.ts';
import type { ServingProcesses } from '../host.ts';

const OPERATOR: Caller = { name: 'reload', kind: 'socket', scopes: new Set(SCOPES), address: null };

/**
 * Has all processes read the configuration again, one after the other: what the first one refuses, no other one reads.
 *
 * @returns what came of it where it was the same for all
 * @throws {ConfigError} by rejection, when something is wrong with it; {ApiError} and {NoAnswer}
 */
export async function reloadProcesses(processes: ServingProcesses): Promise<Reconfiguration> {
  // Other nodes have their own.
  const serving = processes.serving.filter(({ at }) => !('protocol' in at));
  const changed = new Set<string>();
  const needRestart = new Set<string>();
  for (const process of serving) {
    const { status, text, headers } = await askProcess(process, {
      method: 'POST',
      target: `${API_PATH}/configs/reload`,
      body: '',
      caller: OPERATOR,
      signal: new AbortController().signal,
    });
    if (status === 400) throw new ConfigError(problemsIn(text));
    if (status !== 200) throw refusalOf(status, text, headers);
    const answer = JSON.parse(text) as { changed: string[]; need_restart: string[] };
    for (const key of answer.changed) changed.add(key);
    for (const key of answer.need_restart) needRestart.add(key);
  }
  return { changed: [...changed], needRestart: [...needRestart] };
}

function problemsIn(text: string): ConfigError['problems'] {
  const { problems } = JSON.parse(text) as { readonly problems: ConfigError['problems'] };
  return problems;
}
