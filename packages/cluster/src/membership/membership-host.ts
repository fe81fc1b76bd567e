import type { Directory } from '../map/directory.ts';

export type MemberState =
  /** The engine answers. */
  | 'active'
  /** It doesn't. */
  | 'hold'
  /** It hasn't for too long, or another process has this node's name: no cell is served here. */
  | 'fenced';

export type StateReason =
  /** The engine doesn't answer, here or anywhere: connections stay, and what is stored waits. */
  | 'engine'
  /** The engine doesn't answer, and others may have claimed this node's cells: no client that connects is taken. */
  | 'minority'
  /** Another process has joined under this node's name. It doesn't end. */
  | 'superseded';

/** Why a cell is claimed. */
export type ClaimReason =
  /** Nobody had it. */
  | 'free'
  /** It was given to this node. */
  | 'move'
  /** The heartbeats of its owner don't come. */
  | 'late'
  /** Its owner has no record any more, or has started again. */
  | 'gone'
  /** What served it here has ended. */
  | 'ended';

/** What happens, for the log and for metrics. */
export type MembershipEvent =
  | { readonly kind: 'node-alive'; readonly node: string }
  /** Its heartbeats don't come; `isRefused` when nobody listens at its address. */
  | { readonly kind: 'node-late'; readonly node: string; readonly isRefused: boolean }
  | { readonly kind: 'node-gone'; readonly node: string }
  | {
      readonly kind: 'cell-claimed';
      readonly cell: number;
      readonly epoch: number;
      readonly reason: ClaimReason;
      /** Who had it before. */
      readonly from: string | null;
    }
  | { readonly kind: 'cell-serving'; readonly cell: number; readonly epoch: number }
  /** This node couldn't open it, or doesn't serve it any more. */
  | {
      readonly kind: 'cell-ended';
      readonly cell: number;
      readonly epoch: number;
      readonly why: string;
    }
  | {
      readonly kind: 'move-begun';
      readonly cell: number;
      readonly to: string;
      readonly reason: 'asked' | 'balance' | 'leaving' | 'drained' | 'apart';
    }
  | { readonly kind: 'move-cancelled'; readonly cell: number; readonly why: string }
  | { readonly kind: 'apart'; readonly isApart: boolean }
  | { readonly kind: 'record-unreadable'; readonly key: string; readonly why: string };

/** What a member needs of the node that it is of: processes that serve cells. */
export interface MembershipHost {
  /**
   * Serves a cell: claims its log with `epoch`, and restores what is in it.
   *
   * @param epoch - higher than that of any claim before, and used once
   * @returns `taken` when another node has claimed the log with this epoch or a higher one
   * @throws by rejection, when it can't be opened here now
   */
  openCell(cell: number, epoch: number): Promise<'serving' | 'taken'>;

  /**
   * Restores what is in a cell's log, while another node serves it, so that `openCell` has little left to do. `releaseCell` follows
   * when nothing comes of it. Without it, cells are moved without.
   */
  prepareCell?(cell: number): Promise<void>;

  /**
   * Stops serving a cell, or opening or preparing it. `openCell` may be called again once it has resolved.
   *
   * @param how - `move`: in order, all that is acknowledged is in the engine, clients are asked to connect again; `abandon`: at once, as
   * another node owns it
   * @returns never rejects
   */
  releaseCell(cell: number, how: 'move' | 'abandon'): Promise<void>;

  /** Where everything is has changed. */
  onDirectory(directory: Directory): void;

  /**
   * Called when `state` or `why` has changed. Cells are released before `fenced`.
   *
   * @param why - null while it is active
   */
  onState(state: MemberState, why: StateReason | null): void;

  onEvent?(event: MembershipEvent): void;
}
