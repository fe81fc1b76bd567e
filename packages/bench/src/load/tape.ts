import {
  type PublishOptions,
  packetIdOffset,
  publishFrame,
  SEQUENCE_OFFSET,
  STAMP_SIZE,
} from '../client/frames.ts';

/**
 * Memory of the frames of one publisher, where it needs no more: as much as one write takes, and less where
 * all publishers together would take more than `TAPES_SIZE`.
 */
const TAPE_SIZE = 131_072;
const TAPES_SIZE = 67_108_864;

/**
 * What a publisher sends, encoded beforehand: equally long frames, written round and round. Only stamps
 * and packet identifiers are changed in place.
 */
export interface Tape {
  readonly bytes: Uint8Array;
  readonly frameSize: number;
  readonly frameCount: number;
  /** Of the stamp in a frame; -1 when the payload is too short for one. */
  readonly stampOffset: number;
  /** Of the sequence number in a frame; -1 when it has none. */
  readonly sequenceOffset: number;
  /** Of the packet identifier in a frame; -1 at QoS 0. */
  readonly packetIdOffset: number;
  /** MQTT 5 with aliases: QoS 0 frames that set them, to be sent first; the others have no topic. */
  readonly aliasFrames: readonly Uint8Array[];
}

export interface TapeOptions extends PublishOptions {
  /** Equally long. */
  readonly topics: readonly string[];
  readonly usesAliases: boolean;
  /** How many publishers have a tape; 1 unless given. */
  readonly publishers?: number;
}

export function buildTape(options: TapeOptions): Tape {
  const { topics, usesAliases, qos, payloadBytes } = options;
  const frames = topics.map((topic, index) =>
    publishFrame(usesAliases ? '' : topic, usesAliases ? index + 1 : 0, options),
  );
  const first = frames[0] as Uint8Array;
  const frameSize = first.length;
  const size = Math.min(TAPE_SIZE, Math.floor(TAPES_SIZE / (options.publishers ?? 1)));
  const wanted = Math.max(topics.length, Math.floor(size / frameSize), 2);
  const frameCount = Math.ceil(wanted / topics.length) * topics.length;
  const bytes = new Uint8Array(frameSize * frameCount);
  for (let index = 0; index < frameCount; index++) {
    bytes.set(frames[index % frames.length] as Uint8Array, index * frameSize);
  }
  return {
    bytes,
    frameSize,
    frameCount,
    stampOffset: payloadBytes < STAMP_SIZE ? -1 : frameSize - payloadBytes,
    sequenceOffset:
      options.streamId === undefined ? -1 : frameSize - payloadBytes + SEQUENCE_OFFSET,
    packetIdOffset: qos === 0 ? -1 : packetIdOffset(first, headerSize(first)),
    aliasFrames: usesAliases
      ? topics.map((topic, index) => publishFrame(topic, index + 1, { ...options, qos: 0 }))
      : [],
  };
}

function headerSize(frame: Uint8Array): number {
  let size = 2;
  while ((frame[size - 1] as number) >= 0x80) size++;
  return size;
}
