import { join } from 'node:path';
import type { Files } from '../ports/files.ts';

/** The folder for copies of damaged stretches. */
export const QUARANTINE = 'quarantine';

/**
 * Copies bytes that can't be read as records aside, durably.
 *
 * @param position - of the first of them in the log; it names the copy
 * @returns the path of the copy; null when there are no bytes
 */
export async function copyAside(
  files: Files,
  directory: string,
  position: number,
  bytes: Uint8Array,
): Promise<string | null> {
  if (bytes.length === 0) return null;
  const folder = join(directory, QUARANTINE);
  await files.makeDirectory(folder);
  const copy = join(folder, `${position.toString(16).padStart(16, '0')}.bin`);
  const file = await files.open(copy, 'create');
  try {
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.syncDirectory(folder);
  return copy;
}
