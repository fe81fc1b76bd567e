import type { ReaderState } from '../log/epoch-reader.ts';

/** How far the log of a cell was in the engine, as its owner has said: all up to there was acknowledged by the engine. */
export interface Witness {
  readonly cell: number;
  /** Of the owner. */
  readonly epoch: number;
  /** Of the owner's last entry that the engine had acknowledged, or of one after it that didn't count. */
  readonly sequence: number;
  /** Where the cell's log ended there. */
  readonly position: number;
  /** Sum of the last entry that counted. */
  readonly chain: number;
  /** The node of the owner: its local log has at least as much. */
  readonly node: string;
}

/** What the owner of a cell says. */
export function witnessOf(
  cell: number,
  node: string,
  { epoch, sequence, head, chain }: ReaderState,
): Witness {
  return { cell, epoch, sequence, position: head, chain, node };
}

/** Says what other nodes have told, as JSON. */
export function encodeWitnesses(witnesses: readonly Witness[]): Uint8Array {
  return Buffer.from(JSON.stringify(witnesses));
}

/**
 * @param cellCount - how many cells there are: what is said of others isn't taken
 * @throws {Error} when it is none of what `encodeWitnesses` makes, or is of another cell
 */
export function decodeWitnesses(body: Uint8Array, cellCount: number): readonly Witness[] {
  const value: unknown = JSON.parse(Buffer.from(body).toString());
  if (!Array.isArray(value) || !value.every(isWitness)) throw new Error('a WITNESS that is none');
  const other = value.find(({ cell }) => cell >= cellCount);
  if (other !== undefined) {
    throw new Error(`a WITNESS of cell ${other.cell}, and there are ${cellCount} cells`);
  }
  return value;
}

function isWitness(value: unknown): value is Witness {
  if (typeof value !== 'object' || value === null) return false;
  const { cell, epoch, sequence, position, chain, node } = value as Record<keyof Witness, unknown>;
  return (
    [cell, epoch, sequence, position, chain].every(
      (number) => Number.isSafeInteger(number) && (number as number) >= 0,
    ) && typeof node === 'string'
  );
}
