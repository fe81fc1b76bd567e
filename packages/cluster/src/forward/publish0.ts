import { FrameBodyReader } from './frame-body-reader.ts';
import { splitTargets, type Targets } from './targets.ts';

/*
 * PUBLISH0: a message at QoS 0, once for all cells of a process that have subscribers. Nobody acknowledges it. Numbers are
 * little-endian:
 *
 *   u8        version of MQTT in which the packet is encoded: 4 or 5
 *   u8        count of cells that it goes to, and for each:
 *     u8      cell
 *     u32     bytes of what follows: for whom it is there (targets.ts)
 *   u16       bytes of what follows: the client identifier of the publisher
 *   ...       the PUBLISH packet, with its topic name and without an alias, up to the end
 */

/** A cell that a message goes to. */
export interface Publish0Cell {
  readonly cell: number;
  /** As `joinTargets` has made it. */
  readonly targets: string;
}

export interface Publish0 {
  readonly version: 4 | 5;
  readonly cells: readonly { readonly cell: number; readonly targets: Targets }[];
  readonly publisherId: string;
  /** Where in the body the packet begins. */
  readonly packetStart: number;
}

/**
 * What is before the packet.
 *
 * @param firstByte - of the packet: what of it is sent besides begins with the second
 */
export function publish0Head(
  version: 4 | 5,
  cells: readonly Publish0Cell[],
  publisherId: string,
  firstByte: number,
): Buffer {
  let size = 5 + 3 * publisherId.length;
  for (const { targets } of cells) size += 5 + 3 * targets.length;
  const head = Buffer.allocUnsafe(size);
  head[0] = version;
  head[1] = cells.length;
  let offset = 2;
  for (const { cell, targets } of cells) {
    head[offset] = cell;
    const written = targets === '' ? 0 : head.write(targets, offset + 5);
    offset = head.writeUInt32LE(written, offset + 1) + written;
  }
  const written = head.write(publisherId, offset + 2);
  offset = head.writeUInt16LE(written, offset) + written;
  head[offset] = firstByte;
  return head.subarray(0, offset + 1);
}

/** @throws {RangeError} when it ends too early, or says what there is not */
export function readPublish0(body: Uint8Array): Publish0 {
  const reader = new FrameBodyReader(body);
  const version = reader.u8();
  if (version !== 4 && version !== 5) throw new RangeError(`a packet of version ${version}`);
  const cells = [];
  for (let count = reader.u8(); count > 0; count--) {
    const cell = reader.u8();
    cells.push({ cell, targets: splitTargets(reader.text(reader.u32())) });
  }
  const publisherId = reader.text(reader.u16());
  const packetStart = body.length - reader.rest().length;
  return { version, cells, publisherId, packetStart };
}
