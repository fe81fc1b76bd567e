import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { RecordKind } from './record-kind.ts';

/*
 * Document: something that the broker keeps by a key, beside sessions and messages. What is in it is for those who keep it.
 *
 *   u8        12
 *   string    key
 *   u8        1 when a document follows; 0 when there is none of this key any more
 *   [data     document]
 */

export interface DocumentRecord {
  readonly key: string;
  /** Null where there is none any more. */
  readonly document: Uint8Array | null;
}

export function writeDocument(writer: ByteWriter, { key, document }: DocumentRecord): void {
  writer
    .reset()
    .u8(RecordKind.Document)
    .string(key)
    .u8(document === null ? 0 : 1);
  if (document !== null) writer.data(document);
}

/** The document is a copy: it outlives what it was read from. */
export function readDocument(reader: ByteReader): DocumentRecord {
  reader.skip(1);
  const key = reader.string();
  const document = reader.u8() === 0 ? null : Uint8Array.from(reader.data());
  return { key, document };
}
