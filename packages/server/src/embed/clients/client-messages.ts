import { PacketDecoder, type PublishProperties } from '@promptmq/codec';
import {
  type Delivery,
  DeliveryState,
  type FrameCopy,
  type Message,
  STORED_MESSAGE,
} from '@promptmq/session';
import type { Broker } from '../../broker.ts';
import { INSIDE_PUBLISHER } from '../../sessions/inside-identifiers.ts';
import { remainingExpiry } from '../../sessions/recipient-terms.ts';
import type { SessionEntry } from '../../sessions/session-entry.ts';
import { messageInfoOf } from '../../tracing/message-info.ts';
import type { Arguments } from '../calls/arguments.ts';

/** Which messages of a client are shown. */
export interface ClientMessageOptions {
  /** The `position` of the page before; null or left out for the first page. */
  readonly position?: string | null | undefined;
  /** How many messages at most, 1 to 1,000; 100 by default. */
  readonly limit?: number | undefined;
  /** A page ends when its payloads have so many bytes, 1 MB by default; it has one message at least. */
  readonly bytesMax?: number | undefined;
}

/** A message on its way to a client. */
export interface ClientMessage {
  /** Of this page and all others. */
  readonly position: string;
  /** Null where it isn't known any more: it is settled but for the last packets of QoS 2, was sent as bytes, or can't be read. */
  readonly message: {
    readonly topic: string;
    readonly payload: Buffer;
    readonly properties: PublishProperties;
    /** The client that published it; null where it isn't known, or none. */
    readonly publisherId: string | null;
  } | null;
  /** Null where it isn't known. */
  readonly qos: 0 | 1 | 2 | null;
  readonly retain: boolean | null;
  /** The whole filter of the shared subscription through which it got it; null: none. */
  readonly sharedFilter: string | null;
  /** Null while it waits. */
  readonly packetId: number | null;
  readonly state: 'queued' | 'sent' | 'released';
}

export interface ClientMessagePage {
  readonly messages: ClientMessage[];
  /** For the next page; null when there is none. */
  readonly position: string | null;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;
const BYTES_DEFAULT = 1_000_000;
const BYTES_MAX = 100_000_000;

/** Retained messages that were seen, messages that were, or a sequence. */
const QUEUE_POSITION = /^([rq])(\d{1,15})$/;
const INFLIGHT_POSITION = /^(\d{1,5})$/;

/** What is to be shown, before its message is read. */
interface Found {
  readonly position: string;
  readonly delivery: Delivery | null;
  readonly frame: FrameCopy | null;
  readonly packetId: number | null;
}

/** What waits for a client, retained messages first. */
export function queuedMessages(
  broker: Broker,
  args: Arguments,
  entry: SessionEntry,
  options: ClientMessageOptions,
): Promise<ClientMessagePage> {
  const { limit, position } = checked(args, options);
  const match = QUEUE_POSITION.exec(position ?? 'r0');
  if (match === null) args.refuse('position takes what an earlier page returned');
  const found = queuedAfter(entry, match[1] === 'r', Number(match[2]), limit + 1);
  return pageOf(broker, args, entry, found, options);
}

function queuedAfter(
  { session }: SessionEntry,
  isAtReplays: boolean,
  place: number,
  countMax: number,
): Found[] {
  const found: Found[] = [];
  const rest = { frame: null, packetId: null };
  if (isAtReplays) {
    let seen = place;
    for (const delivery of session.replaysAfter(place)) {
      found.push({ ...rest, position: `r${++seen}`, delivery });
      if (found.length === countMax) return found;
    }
  }
  for (const waiting of session.waitingAfter(isAtReplays ? 0 : place)) {
    const { delivery, frame } = waiting;
    found.push({ position: `q${waiting.place}`, delivery, frame, packetId: null });
    if (found.length === countMax) break;
  }
  return found;
}

/** What was sent to a client and isn't settled. */
export function inflightMessages(
  broker: Broker,
  args: Arguments,
  entry: SessionEntry,
  options: ClientMessageOptions,
): Promise<ClientMessagePage> {
  const { limit, position } = checked(args, options);
  const match = INFLIGHT_POSITION.exec(position ?? '0');
  if (match === null) args.refuse('position takes what an earlier page returned');
  const skipped = Number(match[1]);
  const { deliveries, frames } = entry.session.inflight;
  const found: Found[] = [];
  let seen = 0;
  const add = (delivery: Delivery | null, packetId: number) => {
    seen++;
    if (seen <= skipped) return;
    found.push({ position: `${seen}`, delivery, frame: null, packetId });
  };
  for (const delivery of deliveries) {
    if (found.length > limit) break;
    add(delivery, delivery.packetId);
  }
  for (const packetId of frames) {
    if (found.length > limit) break;
    add(null, packetId);
  }
  return pageOf(broker, args, entry, found, options);
}

function checked(args: Arguments, options: ClientMessageOptions) {
  args.options(options, ['position', 'limit', 'bytesMax']);
  const { position = null } = options;
  return {
    position: position === null ? null : args.text('position', position),
    limit: args.wholeNumber('limit', options.limit ?? LIMIT_DEFAULT, 1, LIMIT_MAX),
  };
}

/** @param found - one more than the page has shows that there is another */
async function pageOf(
  broker: Broker,
  args: Arguments,
  entry: SessionEntry,
  found: readonly Found[],
  { limit = LIMIT_DEFAULT, bytesMax }: ClientMessageOptions,
): Promise<ClientMessagePage> {
  let bytesLeft = args.wholeNumber('bytesMax', bytesMax ?? BYTES_DEFAULT, 1, BYTES_MAX);
  const messages: ClientMessage[] = [];
  for (const one of found.slice(0, limit)) {
    const shown = await shownOf(broker, entry, one);
    const size = shown.message?.payload.length ?? 0;
    if (messages.length > 0 && size > bytesLeft) break;
    bytesLeft -= size;
    messages.push(shown);
  }
  const isLast = messages.length === found.length;
  return { messages, position: isLast ? null : (messages.at(-1)?.position ?? null) };
}

async function shownOf(
  broker: Broker,
  entry: SessionEntry,
  { position, delivery, frame, packetId }: Found,
): Promise<ClientMessage> {
  if (frame !== null) return shownFrame(entry, position, frame);
  if (delivery === null) return { ...UNKNOWN, position, packetId };
  const isReleased = delivery.state === DeliveryState.Released;
  const message = isReleased ? null : await messageOf(broker, entry, delivery);
  const { qos, retain, group } = delivery;
  return {
    position,
    message: message === null ? null : infoOf(message, broker),
    qos,
    retain,
    sharedFilter: group,
    packetId,
    state: packetId === null ? 'queued' : isReleased ? 'released' : 'sent',
  };
}

const UNKNOWN = {
  message: null,
  qos: null,
  retain: null,
  sharedFilter: null,
  state: 'sent',
} as const;

function infoOf(message: Message, { runtime }: Broker): ClientMessage['message'] {
  const expiry = remainingExpiry(message.expiresAt, runtime.now());
  const { topic, payload, properties } = messageInfoOf(message, expiry);
  const { publisherId } = message;
  const isClient = publisherId !== '' && publisherId !== INSIDE_PUBLISHER;
  return { topic, payload, properties, publisherId: isClient ? publisherId : null };
}

/** The message of a delivery, read back where it isn't in memory; null when it can't be read, or is settled meanwhile. */
function messageOf(
  { journal }: Broker,
  { session }: SessionEntry,
  delivery: Delivery,
): Promise<Message | null> {
  const { message, sequence } = delivery;
  if (message !== STORED_MESSAGE) return Promise.resolve(message);
  const { stored } = session;
  if (stored === null) return Promise.resolve(null);
  let read: Message | null = null;
  return new Promise((resolve) => {
    journal.readBack(
      // Compaction may have moved it.
      () => stored.find(sequence)?.position ?? -1,
      (one) => {
        read = one;
      },
      () => resolve(read),
    );
  });
}

/** A message that waits as the bytes that it will be sent as. */
function shownFrame({ session }: SessionEntry, position: string, frame: FrameCopy): ClientMessage {
  const { bytes, flags, packetIdOffset } = frame;
  // As if it were sent: with a packet identifier.
  bytes[0] = 0x30 | flags;
  bytes[packetIdOffset + 1] = 1;
  const protocolVersion = session.link?.connection?.version ?? 5;
  const [packet] = new PacketDecoder({ protocolVersion, receiver: 'client' }).push(bytes);
  if (packet?.cmd !== 'publish') throw new Error(`${packet?.cmd} waits as a message`);
  return {
    position,
    message: {
      topic: packet.topic,
      payload: Buffer.from(packet.payload),
      properties: packet.properties ?? {},
      publisherId: null,
    },
    qos: (flags >> 1) as 1 | 2,
    retain: (flags & 1) === 1,
    sharedFilter: null,
    packetId: null,
    state: 'queued',
  };
}
