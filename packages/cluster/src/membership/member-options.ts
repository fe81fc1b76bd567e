import type { Clock } from '@promptmq/wal';
import type { EngineMap } from '../engine/engine.ts';
import type { Durability, NodeFacts } from '../map/records.ts';

/** Times in milliseconds. */
export interface MemberTimes {
  /** Between heartbeats. */
  readonly heartbeatMs: number;
  /** A node whose heartbeats don't come for so long, while one's own do, is late: its cells are claimed. */
  readonly lateAfterMs: number;
  /** So late, where a majority of the others finds that nobody listens at its address. */
  readonly refusedAfterMs: number;
  /** Without the engine for so long: no client that connects is taken, unless no node has the engine. */
  readonly holdMs: number;
  /** Without it for so long: no cell is served here any more, unless no node has the engine. */
  readonly fenceMs: number;
  /** Who is next in line claims so much later. */
  readonly claimStepMs: number;
  /** A node that has just joined claims no free cell for so long, so that others that start as well get theirs. */
  readonly gatherMs: number;
  /** Cells are moved for balance when nothing has changed for so long. */
  readonly settleMs: number;
  /** A move for which the target has not restored what there is after this time is cancelled. */
  readonly prepareMs: number;
  /** A node that doesn't reach the others for so long gives its cells away. */
  readonly apartMs: number;
  /** A cell that has been served for so long has its failures forgotten. */
  readonly steadyMs: number;
}

export const MEMBER_TIMES: MemberTimes = {
  heartbeatMs: 1_000,
  lateAfterMs: 4_000,
  refusedAfterMs: 1_500,
  holdMs: 15_000,
  fenceMs: 30_000,
  claimStepMs: 1_000,
  gatherMs: 2_000,
  settleMs: 3_000,
  prepareMs: 120_000,
  apartMs: 10_000,
  steadyMs: 60_000,
};

export interface MemberOptions {
  /** Of an engine that is connected. */
  readonly map: EngineMap;
  readonly clock: Clock;
  /** This node's name: no other node has the same. `isNodeId` says what it may be. */
  readonly node: string;
  /** Another one whenever the node starts. */
  readonly incarnation: string;
  readonly facts: NodeFacts;
  /** How many cells the cluster is to have, if this is its first node; else how many it has to have. */
  readonly cells: number;
  /** The nodes that may take part; empty where all may. */
  readonly peers?: readonly string[];
  /** Where what is acknowledged is: of the cluster, as `cells`. `node` takes `peers`, which share the cells for ever. */
  readonly durability?: Durability;
  readonly times?: Partial<MemberTimes>;
}

/** What a node finds out about the others by its links. */
export interface Reach {
  /** Nodes with which it has links up. */
  readonly reaches: readonly string[];
  /** Nodes at whose address nobody listens: a connection is refused, not merely unanswered. */
  readonly refused: readonly string[];
  /** Nodes among `reaches` that say that the engine doesn't answer them either. */
  readonly withoutEngine: readonly string[];
}

/** A node can't take part. */
export class MembershipError extends Error {
  override readonly name = 'MembershipError';
  readonly code: MembershipErrorCode;

  constructor(code: MembershipErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export type MembershipErrorCode =
  /** The cluster was made with another number of cells. */
  | 'cells'
  /** The cluster was made with another durability, or its nodes are not named. */
  | 'durability'
  /** The cluster is of a newer version. */
  | 'level'
  /** It is not among the nodes that may take part, or its name is none. */
  | 'node'
  /** It was stopped. */
  | 'stopped';
