import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Link, LinkHandler } from './link.ts';
import type { Target } from './target.ts';
import { WebSocketLink } from './websocket-link.ts';

/** All connections read into the same memory: what has come is handled before the next is read. */
const readBuffer = new Uint8Array(262_144);

/** Connects; rejects with the system's error. */
export async function openLink(
  target: Target,
  handler: LinkHandler,
  localAddress?: string,
): Promise<Link> {
  if (target.path === null) return openSocket(target, handler, localAddress);
  const link = new WebSocketLink(target, handler);
  link.start(await openSocket(target, link, localAddress));
  await link.opened;
  return link;
}

function openSocket(target: Target, handler: LinkHandler, localAddress?: string): Promise<Link> {
  const { host, port } = target;
  // A mark of 1 lets every write that did not go out whole end in a `drain`.
  const common = { host, port, noDelay: true, writableHighWaterMark: 1 };
  const from = localAddress === undefined ? {} : { localAddress };
  if (target.isTls) {
    const socket = connectTls({
      ...common,
      ...from,
      servername: /^[\d.]+$|:/.test(host) ? '' : host,
      rejectUnauthorized: target.rejectsUnverified,
      ...(target.ca === null ? {} : { ca: target.ca }),
    });
    socket.on('data', (chunk: Buffer) => handler.onChunk(chunk, 0, chunk.length));
    return opened(socket, 'secureConnect', handler);
  }
  const onread = {
    buffer: readBuffer,
    callback: (size: number, buffer: Uint8Array) => {
      handler.onChunk(buffer, 0, size);
      return true;
    },
  };
  return opened(connectTcp({ ...common, ...from, onread }), 'connect', handler);
}

function opened(socket: Socket, event: string, handler: LinkHandler): Promise<Link> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    let isOpen = false;
    socket.once(event, () => {
      isOpen = true;
      resolve(new SocketLink(socket));
    });
    socket.on('drain', () => handler.onIdle());
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      if (isOpen) handler.onClose(failure);
      else reject(failure ?? new Error('closed while connecting'));
    });
  });
}

class SocketLink implements Link {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get isIdle(): boolean {
    return this.#socket.writableLength === 0;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
