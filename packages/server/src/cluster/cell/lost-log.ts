import type { EngineLoss } from '@promptmq/cluster';

/** What keeps a cell from being opened: the engine has lost data of it, or the only node that had its log has lost that. */
export type CellLoss = EngineLoss | LostLog;

/** A log that only the disk of a node had, and that isn't there. */
export interface LostLog {
  readonly kind: 'log';
  readonly cell: number;
  /** The node that has made it. */
  readonly node: string;
  /** In hexadecimal. */
  readonly identity: string;
  /** Where it is looked for. */
  readonly directory: string;
}

export function isLostLog(loss: CellLoss): loss is LostLog {
  return 'kind' in loss;
}

/** A cell can't be opened, as its log is lost. */
export class LogLost extends Error {
  override readonly name = 'LogLost';
  readonly loss: LostLog;

  constructor(loss: LostLog) {
    super(`${textOfLostLog(loss)}: ${remedyOfLostLog(loss)}`);
    this.loss = loss;
  }
}

export function textOfLostLog({ cell, node, identity, directory }: LostLog): string {
  return `cell ${cell}: log ${identity}, which node ${node} has made, is not in ${directory}, and no other node has it`;
}

/** What people are to do about it. */
export function remedyOfLostLog({ cell, node, identity, directory }: LostLog): string {
  return (
    `bring log ${identity} back to ${directory} of node ${node}; where it is lost for good, set cluster.on-node-loss to reset there: ` +
    `cell ${cell} begins empty, without the sessions, queued messages and retained messages that it had`
  );
}
