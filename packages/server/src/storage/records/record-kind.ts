import type { ByteReader } from './byte-reader.ts';

/*
 * The records of the broker's log, each in the file of its family:
 *
 *   1 Message        message-record.ts        a message with those who get it
 *   2 References     reference-record.ts      a session gets messages that are in the log already
 *   3 Session        session-record.ts        a session as it is
 *   4 End            session-record.ts        nothing is left of a session
 *   5 Subscribe      subscription-record.ts   a session has these subscriptions, too
 *   6 Unsubscribe    subscription-record.ts   a session has these no longer
 *   7 Progress       progress-record.ts       what was sent and settled
 *   8 Release        progress-record.ts       PUBREC came
 *   9 Free           progress-record.ts       PUBREL came for a QoS 2 message of the client
 *   10 HandOver      reference-record.ts      deliveries have become other sessions'
 *   11 Ending        session-record.ts        a session has ended for its client; something waits to be handed over
 *   12 Document      document-record.ts       what the broker keeps by a key: users, groups, roles, bans
 *
 * Values of checkpoints are in the folder checkpoint; several are the same as records.
 *
 * The first byte of each is its kind. Numbers are little-endian: u8, u16 and u32 as their names say, f64 for session numbers,
 * sequences, positions and milliseconds; a varint has 7 bits a byte, the lowest first. `string` (UTF-8) and `data` have their
 * length in a u32 before them.
 *
 * Milliseconds are of the broker's time (runtime/broker-clock.ts); before there was one, of the wall clock with which it
 * began.
 *
 * What is here is on disks: a byte that has been given a meaning keeps it. A new field needs a flag of its own or a new kind,
 * and a start must still read what former versions wrote.
 */

export const RecordKind = {
  Message: 1,
  References: 2,
  Session: 3,
  End: 4,
  Subscribe: 5,
  Unsubscribe: 6,
  Progress: 7,
  Release: 8,
  Free: 9,
  HandOver: 10,
  Ending: 11,
  Document: 12,
} as const;

/** Reads the kind of a record that is about one session, and the number of that. */
export function readSessionNumber(reader: ByteReader): number {
  reader.skip(1);
  return reader.f64();
}
