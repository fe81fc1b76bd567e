import { storedOf } from '@promptmq/session';
import { invariant } from '@promptmq/topics';
import { recordBytes } from '@promptmq/wal';
import type { Runtime } from '../../runtime/runtime.ts';
import type { JournalSession } from '../journal.ts';
import type { RecordLog } from '../log/record-log.ts';
import { ByteWriter } from '../records/byte-writer.ts';
import { addProgress, ProgressKind, writeProgressHead } from '../records/progress-record.ts';
import { shareOut } from '../records/record-share.ts';

/** Gathers what is sent and settled in a turn to one record, which nobody waits for. */
export class ProgressWriter {
  readonly #records: RecordLog;
  readonly #runtime: Runtime;
  readonly #entries: ByteWriter;
  #count: number;
  readonly #sent: Set<JournalSession>;
  #isScheduled: boolean;

  constructor(records: RecordLog, runtime: Runtime) {
    this.#records = records;
    this.#runtime = runtime;
    this.#entries = new ByteWriter();
    this.#count = 0;
    this.#sent = new Set();
    this.#isScheduled = false;
  }

  /** A delivery is over. */
  addSettled(session: number, sequence: number): void {
    this.#add(ProgressKind.Settled, session, sequence);
    this.#writeSoon();
  }

  /** All deliveries of a session up to this one are over. */
  addSettledUpTo(session: number, sequence: number): void {
    this.#add(ProgressKind.SettledUpTo, session, sequence);
    this.#writeSoon();
  }

  /** A session was sent more; how far is looked up when the record is written. */
  addSent(session: JournalSession): void {
    this.#sent.add(session);
    this.#writeSoon();
  }

  #writeSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#runtime.defer(() => void this.write());
  }

  /**
   * Writes what there is now. On a full disk it is in no record: the next checkpoint holds it.
   *
   * @returns the record's position; -1 when there is none
   */
  write(): number {
    let position = -1;
    this.#isScheduled = false;
    for (const session of this.#sent) {
      const { number, sentSequence } = storedOf(session);
      this.#add(ProgressKind.Sent, number, sentSequence);
    }
    this.#sent.clear();
    if (this.#count > 0 && this.#records.isOpen) {
      const { writer, log, release } = this.#records;
      writeProgressHead(writer, this.#count);
      const head = writer.bytes;
      const size = recordBytes(head.length + this.#entries.length);
      position = log.appendLazily([head, this.#entries.bytes]);
      shareOut(position, size, 0, release);
    }
    this.#entries.reset();
    this.#count = 0;
    return position;
  }

  #add(kind: number, session: number, sequence: number): void {
    addProgress(this.#entries, kind, session, sequence);
    this.#count++;
  }
  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    const isGathering = this.#count > 0 || this.#sent.size > 0;
    invariant(!isGathering || this.#isScheduled, 'what was sent and settled is never written');
  }
}
