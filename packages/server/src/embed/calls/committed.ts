import type { Journal } from '../../storage/journal.ts';
import { EmbedError } from './embed-error.ts';

/**
 * Resolves when all that has been written until now is committed.
 *
 * @param what - what happened, for the error
 * @throws {EmbedError} `storage-full`, as a rejection, when the disk has refused a part of it: it holds in this process, and
 * is written when there is room
 */
export function committed(journal: Journal, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const message = `${what}, but the disk is full: a restart brings back what was until there is room`;
    journal.whenCommitted({
      position: journal.lastPosition,
      onCommitted: resolve,
      onRefused: () => reject(new EmbedError('storage-full', message)),
    });
  });
}
