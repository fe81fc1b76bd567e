import type { Answer } from '../api/operation.ts';
import type { AnyCall, Asking } from './asking.ts';
import type { ServingProcesses } from './host.ts';

/** How an operation is carried out where several processes have the clients. */
export type Rule = (call: AnyCall, asking: Asking, processes: ServingProcesses) => Promise<Answer>;

/** By the names of operations. */
export type Rules = Readonly<Record<string, Rule>>;

/** The process that has the client does it. @param idOf - whose client identifier counts */
export function byClient(idOf: (call: AnyCall) => string): Rule {
  return (call, asking) => asking.pass(asking.ofClient(idOf(call)));
}

/** Any process can say it: all have the same. */
export const byAny: Rule = (_, asking) => asking.pass(asking.any());

/**
 * All do it, the first one first: what that one refuses, the others aren't asked. What was done by some only is to be asked for again.
 */
export const byEveryone: Rule = async (_, asking) => {
  const [first, ...others] = asking.everyone();
  if (first === undefined) return asking.pass(asking.any());
  const answer = await asking.pass(first);
  if (answer.status >= 400) return answer;
  await Promise.all(others.map((process) => asking.ask(process)));
  return answer;
};
