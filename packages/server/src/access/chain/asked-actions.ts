import type { Authorization, AuthorizeRequest, ChainEntry } from '@promptmq/auth';

/**
 * Asks providers, one after the other, whether a client may do something: the first that allows or denies decides, and what all pass is
 * allowed, as the rules allow it.
 *
 * @throws what a provider has thrown, or rejects with it, where that is to refuse
 */
export function authorizeBy(
  entries: readonly ChainEntry[],
  request: AuthorizeRequest,
  signal: AbortSignal,
): Authorization | Promise<Authorization> {
  let holdsMs = Number.POSITIVE_INFINITY;
  for (const [index, entry] of entries.entries()) {
    const said = ask(entry, request, signal);
    if (said instanceof Promise) return continued(entries, index, said, request, signal, holdsMs);
    holdsMs = Math.min(holdsMs, said.holdsMs);
    if (said.result !== 'pass') return { result: said.result, holdsMs };
  }
  return { result: 'allow', holdsMs };
}

async function continued(
  entries: readonly ChainEntry[],
  index: number,
  awaited: Promise<Authorization>,
  request: AuthorizeRequest,
  signal: AbortSignal,
  holdsBefore: number,
): Promise<Authorization> {
  const said = await awaited;
  const holdsMs = Math.min(holdsBefore, said.holdsMs);
  if (said.result !== 'pass') return { result: said.result, holdsMs };
  const next = await authorizeBy(entries.slice(index + 1), request, signal);
  return { result: next.result, holdsMs: Math.min(holdsMs, next.holdsMs) };
}

const PASSED: Authorization = { result: 'pass', holdsMs: 0 };

function ask(
  { provider, onError }: ChainEntry,
  request: AuthorizeRequest,
  signal: AbortSignal,
): Authorization | Promise<Authorization> {
  const failed = (error: unknown): Authorization => {
    if (onError === 'pass') return PASSED;
    throw error;
  };
  try {
    const said = provider.authorize?.(request, signal) ?? PASSED;
    return said instanceof Promise ? said.catch(failed) : said;
  } catch (error) {
    return failed(error);
  }
}
