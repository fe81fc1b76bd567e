import { PacketError } from '../../src/index.ts';

/** Why something is refused; fails where it is not. */
export function errorOf(action: () => unknown): PacketError {
  try {
    action();
  } catch (error) {
    if (error instanceof PacketError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}
