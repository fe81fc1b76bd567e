import type { Message } from '@promptmq/session';
import type { AwaitedAcks, Journal, Pending } from './journal.ts';

/** No record was needed. */
const NONE = -1;

/**
 * The journal of a broker that keeps nothing beyond the process: everything is committed at once, and there always is room.
 *
 * No session gets a number, so none has this as its `DeliveryStore`: what is done for sessions that are stored is never
 * called, or has no effect.
 */
export class MemoryJournal implements Journal {
  // Fields and no getters: they are read for each packet.
  readonly isOpen = true;
  readonly committedPosition = Number.POSITIVE_INFINITY;
  readonly lastPosition = NONE;
  readonly lastEndPosition = NONE;
  readonly acknowledgesUnstored = true;
  readonly memory = { bytesMax: 0, bytes: 0 };

  unstoredPosition(): number {
    return NONE;
  }

  whenCommitted(pending: Pending): void {
    pending.onCommitted();
  }

  whenRoom(action: () => void): void {
    action();
  }

  awaitAcks(acks: AwaitedAcks): void {
    acks.sendCommittedAcks(this.committedPosition);
  }

  holdBack(): void {}

  // ------------------------------------------------------------------------ messages

  formerRetained(): Message | undefined {
    return undefined;
  }

  writeMessage(): number {
    return NONE;
  }

  writeReferences(): void {}

  handOver(): number {
    return NONE;
  }

  readBack(_positionOf: unknown, _onRead: unknown, onDone: () => void): void {
    onDone();
  }

  retainedPositionOf(): number {
    return 0;
  }

  dropRetained(): void {}

  writeProgress(): void {}

  writeFree(): number {
    return NONE;
  }

  // ------------------------------------------------------------------------ sessions

  takeNumber(): number {
    return 0;
  }

  hasSession(): boolean {
    return false;
  }

  writeSession(): number {
    return NONE;
  }

  writeSubscriptions(): number {
    return NONE;
  }

  writeUnsubscriptions(): number {
    return NONE;
  }

  noteEnding(): void {}

  endSession(): void {}

  hasUnwrittenEnd(): boolean {
    return false;
  }

  // ----------------------------------------------------------------------- documents

  documents(): Iterable<readonly [key: string, document: Uint8Array]> {
    return [];
  }

  writeDocument(): number {
    return NONE;
  }

  // --------------------------------------------------------------------- other cells

  get generation(): number {
    return 0;
  }

  appliedOf(): null {
    return null;
  }

  // ------------------------------------------------------------------ delivery store

  awaitCommit(): void {}

  fetch(): Message | null | 'lost' {
    return 'lost';
  }

  onSettled(): void {}

  onSettledUpTo(): void {}

  onSent(): void {}

  onReleased(): void {}

  // ---------------------------------------------------------------------- the broker

  noteTime(): void {}

  reconfigure(): void {}

  checkInvariants(): void {}

  async close(): Promise<void> {}
}
