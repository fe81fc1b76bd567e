/**
 * How a link begins, on each of its two streams:
 *
 * ```
 *   who dials                       who accepts
 *   HELLO  ----------------------->
 *          <----------------------- HELLO, PROOF
 *   PROOF  ----------------------->
 *          <----------------------- WELCOME, or REFUSED with why
 * ```
 *
 * HELLO is JSON: `Hello`. PROOF is HMAC-SHA-256, with the secret of the cluster as its key, over a letter for the side (`d` or `a`) and both
 * HELLOs as they went over the stream: each has 32 random bytes, so no proof is good for another stream. Who is not told that it is welcome knows
 * nothing but the first HELLO of the other side. The stream itself is not encrypted: that is TLS's, where it has certificates, or a file's of which others can't read.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { FrameType } from './frames.ts';
import type { LaneStream } from './lane-stream.ts';
import type { Lane, LinkEnd, ServedCell } from './link.ts';
import { LinkError, type LinkErrorCode } from './link-error.ts';

/** The versions of this protocol that this code speaks. */
export const PROTOCOL_MIN = 1;
export const PROTOCOL_MAX = 1;

/** Bytes of the largest frame before a link is taken. */
export const HANDSHAKE_SIZE_MAX = 16_384;

const NODE_LENGTH_MAX = 255;
const CELLS_MAX = 64;
const NONCE_SIZE = 32;

/** What both sides have to agree on. */
export interface Membership {
  /** The name of the cluster, or of the workers of a broker. */
  readonly cluster: string;
  /** What only its members know. */
  readonly secret: string;
  /** The nodes whose processes may link; empty, or not there: all. */
  readonly peers?: readonly string[];
}

interface Hello extends LinkEnd {
  readonly protocolMin: number;
  readonly protocolMax: number;
  readonly cluster: string;
  readonly lane: Lane;
  /** The same for both streams of a link, drawn by who dials. */
  readonly link: string;
  readonly nonce: string;
}

/** A stream that is a lane of a link from now on. */
export interface TakenLane {
  readonly peer: LinkEnd;
  readonly lane: Lane;
  readonly link: string;
}

/** Why a link is refused that the other side gets to know: the others say nothing to who is no member. */
const SAID: ReadonlySet<LinkErrorCode> = new Set(['refused', 'foreign', 'peer']);

const EMPTY = new Uint8Array(0);

/**
 * Dials: the stream is connected. Nobody listens to it afterwards.
 *
 * @throws {LinkError} by rejection, `refused`, `foreign`, `peer`, `secret` or `protocol`; an Error when the stream is over. It is destroyed then
 */
export async function dialLane(
  stream: LaneStream,
  membership: Membership,
  self: LinkEnd,
  lane: Lane,
  link: string,
): Promise<TakenLane> {
  const frames = new Frames(stream);
  try {
    const mine = helloOf(membership, self, lane, link);
    frames.send(FrameType.hello, mine);
    const theirs = await frames.next(FrameType.hello);
    const hello = readHello(theirs, membership);
    checkProof(await frames.next(FrameType.proof), membership, 'a', mine, theirs);
    checkOwner(hello, membership);
    frames.send(FrameType.proof, proofOf(membership, 'd', mine, theirs));
    await frames.next(FrameType.welcome);
    frames.finish();
    return { peer: endOf(hello), lane, link };
  } catch (error) {
    stream.destroy((error as Error).message);
    throw error;
  }
}

/**
 * Accepts: the other side begins.
 *
 * @param admit - says why who has proved to be a member isn't taken; null when it is
 * @throws {LinkError} by rejection, as `dialLane`; who is refused gets to know why, unless it doesn't know the secret
 */
export async function acceptLane(
  stream: LaneStream,
  membership: Membership,
  self: LinkEnd,
  admit: (peer: LinkEnd) => string | null,
): Promise<TakenLane> {
  const frames = new Frames(stream);
  try {
    const theirs = await frames.next(FrameType.hello);
    const hello = readHello(theirs, membership);
    const mine = helloOf(membership, self, hello.lane, hello.link);
    frames.send(FrameType.hello, mine);
    frames.send(FrameType.proof, proofOf(membership, 'a', theirs, mine));
    checkProof(await frames.next(FrameType.proof), membership, 'd', theirs, mine);
    checkOwner(hello, membership);
    const peer = endOf(hello);
    const why = admit(peer);
    if (why !== null) throw new LinkError('refused', why);
    frames.send(FrameType.welcome, EMPTY);
    frames.finish();
    return { peer, lane: hello.lane, link: hello.link };
  } catch (error) {
    if (error instanceof LinkError && SAID.has(error.code)) {
      frames.send(FrameType.refused, Buffer.from(error.message));
      stream.end();
    } else {
      stream.destroy((error as Error).message);
    }
    throw error;
  }
}

/** The frames of a handshake, one after the other. */
class Frames {
  readonly #stream: LaneStream;
  #waiting: {
    readonly type: number;
    readonly resolve: (body: Uint8Array) => void;
    readonly reject: (error: Error) => void;
  } | null = null;

  constructor(stream: LaneStream) {
    this.#stream = stream;
  }

  send(type: number, body: Uint8Array): void {
    this.#stream.add(type, [body]);
    this.#stream.flush();
  }

  /** @throws {LinkError} by rejection, when another one comes */
  next(type: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting = { type, resolve, reject };
      this.#stream.listen({
        onFrame: (came, body) => this.#take(came, body),
        onOver: (why) => this.#waiting?.reject(new Error(why)),
      });
    });
  }

  /** What comes from now on is for who listens next. */
  finish(): void {
    this.#stream.listen(null);
  }

  #take(type: number, body: Uint8Array): void {
    // One at a time: what follows is kept until somebody waits for it.
    this.#stream.listen(null);
    const waiting = this.#waiting;
    this.#waiting = null;
    if (type === FrameType.refused) {
      waiting?.reject(new LinkError('refused', Buffer.from(body).toString()));
    } else if (type !== waiting?.type) {
      waiting?.reject(new LinkError('protocol', `frame ${type} instead of ${waiting.type}`));
    } else {
      waiting.resolve(body);
    }
  }
}

function helloOf(
  { cluster }: Membership,
  { node, incarnation, cells, owner }: LinkEnd,
  lane: Lane,
  link: string,
): Uint8Array {
  const hello: Hello = {
    protocolMin: PROTOCOL_MIN,
    protocolMax: PROTOCOL_MAX,
    cluster,
    node,
    incarnation,
    cells,
    ...(owner === undefined ? {} : { owner }),
    lane,
    link,
    nonce: randomBytes(NONCE_SIZE).toString('base64'),
  };
  return Buffer.from(JSON.stringify(hello));
}

function readHello(bytes: Uint8Array, { cluster }: Membership): Hello {
  const hello = parseHello(bytes);
  if (hello === null) throw new LinkError('protocol', 'a HELLO that is none');
  if (hello.protocolMin > PROTOCOL_MAX || hello.protocolMax < PROTOCOL_MIN) {
    const theirs = `${hello.protocolMin} to ${hello.protocolMax}`;
    const ours = `${PROTOCOL_MIN} to ${PROTOCOL_MAX}`;
    throw new LinkError('foreign', `link protocol ${theirs}, and here ${ours}`);
  }
  if (hello.cluster !== cluster) {
    throw new LinkError('foreign', `the cluster is called ${cluster} here`);
  }
  return hello;
}

function parseHello(bytes: Uint8Array): Hello | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const hello = value as Record<keyof Hello, unknown>;
  const isValid =
    isCount(hello.protocolMin) &&
    isCount(hello.protocolMax) &&
    isName(hello.cluster) &&
    isName(hello.node) &&
    isName(hello.incarnation) &&
    (hello.owner === undefined || isName(hello.owner)) &&
    isName(hello.link) &&
    isName(hello.nonce) &&
    Buffer.from(hello.nonce, 'base64').length === NONCE_SIZE &&
    (hello.lane === 1 || hello.lane === 2) &&
    Array.isArray(hello.cells) &&
    hello.cells.length <= CELLS_MAX &&
    hello.cells.every(isServedCell);
  return isValid ? (hello as unknown as Hello) : null;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= NODE_LENGTH_MAX;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isServedCell(value: unknown): value is ServedCell {
  if (typeof value !== 'object' || value === null) return false;
  const { cell, epoch } = value as Record<keyof ServedCell, unknown>;
  return isCount(cell) && cell < CELLS_MAX && isCount(epoch);
}

function endOf({ node, incarnation, cells, owner }: Hello): LinkEnd {
  return {
    ...{ node, incarnation, cells: cells.map(({ cell, epoch }) => ({ cell, epoch })) },
    ...(owner === undefined ? {} : { owner }),
  };
}

function checkOwner({ node, owner }: LinkEnd, { peers = [] }: Membership): void {
  if (peers.length === 0 || (owner !== undefined && peers.includes(owner))) return;
  const whose = owner === undefined ? 'no node' : `node ${owner}`;
  throw new LinkError(
    'peer',
    `${node} is of ${whose}, which is not among those that may take part`,
  );
}

function proofOf(
  { secret }: Membership,
  side: 'd' | 'a',
  dialer: Uint8Array,
  acceptor: Uint8Array,
): Uint8Array {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(dialer.length);
  const hmac = createHmac('sha256', secret);
  return hmac.update(side).update(size).update(dialer).update(acceptor).digest();
}

function checkProof(
  proof: Uint8Array,
  membership: Membership,
  side: 'd' | 'a',
  dialer: Uint8Array,
  acceptor: Uint8Array,
): void {
  const expected = proofOf(membership, side, dialer, acceptor);
  if (proof.length !== expected.length || !timingSafeEqual(proof, expected)) {
    throw new LinkError('secret', 'the other side does not know the secret');
  }
}
