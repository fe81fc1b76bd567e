import type { QueueEntry } from '@promptmq/session';

/*
 * What the entry of a queue is, in a byte of a checkpoint:
 *
 *   bits 0 and 1   QoS
 *   bit 2          RETAIN
 *   bit 3          it may have been sent
 *   bit 4          it has a record of its own, which refers to that of its message
 */
const EntryFlag = { QoS: 3, Retain: 4, Sent: 8, Reference: 16 } as const;

type Flagged = Pick<QueueEntry, 'qos' | 'retain' | 'isSent' | 'isReference'>;

export function entryFlags({ qos, retain, isSent, isReference }: Flagged): number {
  return (
    qos |
    (retain ? EntryFlag.Retain : 0) |
    (isSent ? EntryFlag.Sent : 0) |
    (isReference ? EntryFlag.Reference : 0)
  );
}

export function readEntryFlags(flags: number, into: Flagged): void {
  into.qos = (flags & EntryFlag.QoS) as 0 | 1 | 2;
  into.retain = (flags & EntryFlag.Retain) !== 0;
  into.isSent = (flags & EntryFlag.Sent) !== 0;
  into.isReference = (flags & EntryFlag.Reference) !== 0;
}

/** An entry in whose place one after the other is read. */
export function emptyEntry(): QueueEntry {
  return {
    sequence: 0,
    position: 0,
    share: 0,
    qos: 0,
    retain: false,
    isSent: false,
    isReference: false,
  };
}
