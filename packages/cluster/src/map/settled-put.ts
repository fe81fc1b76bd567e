import type { Clock } from '@promptmq/wal';
import { EngineError, type EngineMap, type MapValue } from '../engine/engine.ts';

/** Between attempts, in milliseconds. */
const RETRY_MS = 200;

export type SettledPut =
  /** The key has the value, or had it. */
  | { readonly kind: 'set'; readonly revision: number }
  /** It has another one, or none: it was changed since. `found` is newer than the revision that was named. */
  | { readonly kind: 'conflict'; readonly found: MapValue | null }
  /** Nobody wants it any more: it may still come true. */
  | { readonly kind: 'given-up' };

/**
 * Sets a key, and goes on until it is known whether that was done: nothing else is put meanwhile, so that the same attempt can be repeated.
 *
 * @param revision - of the value that it replaces; 0 when there is none
 * @param isWanted - asked before each attempt
 */
export async function settledPut(
  map: EngineMap,
  clock: Clock,
  key: string,
  value: Uint8Array,
  revision: number,
  isWanted: () => boolean,
): Promise<SettledPut> {
  while (isWanted()) {
    const outcome = await map.put(key, value, revision);
    if (typeof outcome === 'number') return { kind: 'set', revision: outcome };
    if (outcome === 'conflict') {
      const found = await newerThan(map, key, revision);
      if (found !== undefined) return foundInstead(value, found);
    }
    await pause(clock);
  }
  return { kind: 'given-up' };
}

/** An attempt whose outcome wasn't known may have set it, and then the next one is refused. */
function foundInstead(value: Uint8Array, found: MapValue | null): SettledPut {
  const isOurs = found !== null && Buffer.compare(found.value, value) === 0;
  return isOurs ? { kind: 'set', revision: found.revision } : { kind: 'conflict', found };
}

/** @returns undefined when nothing newer is to be seen yet */
async function newerThan(
  map: EngineMap,
  key: string,
  revision: number,
): Promise<MapValue | null | undefined> {
  try {
    const found = await map.get(key);
    if (found === null) return revision === 0 ? undefined : null;
    return found.revision > revision ? found : undefined;
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(RETRY_MS, resolve);
  });
}
