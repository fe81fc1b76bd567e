import type { Witness } from './witness.ts';

/** What the engine has lost of a cell. */
export interface EngineLoss {
  /** How far the cell's log had been. */
  readonly witness: Witness;
  /** Where what the engine has of it ends, or is another one from there on. */
  readonly position: number;
  /** The last entry before that; 0 when there is none. */
  readonly sequence: number;
}

/** What is wrong, for people. */
export function textOfLoss({ witness, position, sequence }: EngineLoss): string {
  const { cell, epoch, node, position: witnessed, sequence: entry } = witness;
  return (
    `the engine has lost data of cell ${cell}: it has its log up to ${position} (entry ${sequence}), and had acknowledged it up to ` +
    `${witnessed} (entry ${entry}, epoch ${epoch}); the log of the cell on node ${node} has the rest`
  );
}

/** What is to be done about it, for people. */
export function remedyOfLoss({ witness: { cell, node } }: EngineLoss): string {
  return `stop all nodes, then on node ${node}: promptmq cluster repair ${cell} --from DIR, with its folder of the log of cell ${cell}`;
}
