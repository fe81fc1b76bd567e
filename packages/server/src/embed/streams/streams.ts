import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Broker } from '../../broker.ts';
import { addressOf } from '../../listeners/peer-address.ts';
import { attachStream } from '../../listeners/streams/duplex-transport.ts';
import { pipe } from '../../listeners/streams/pipe-end.ts';
import { certificateFacts, certificateName } from '../../listeners/tls/certificate-facts.ts';
import { takeUpgrade } from '../../listeners/websocket/foreign-upgrade.ts';
import { Arguments, shown } from '../calls/arguments.ts';

/** What the program knows of a client whose connection it brings. */
export interface ClientOrigin {
  /** For the log, hooks and lists of clients: address and port, or whatever says where the client is. */
  readonly remoteAddress?: string;
  /** Who the client is. It counts as proved, as the name of a certificate does, and goes before what CONNECT says. */
  readonly userName?: string;
}

/** The same of a stream. */
export interface StreamOptions extends ClientOrigin {
  /** What kind of stream it is, for the log, hooks and lists of clients, such as `serial`; `stream` unless given, for a socket `tcp` or `tls`. */
  readonly protocol?: string;
}

/** A protocol is a word in logs and labels. */
const PROTOCOL = /^[a-z][a-z0-9.+-]{0,31}$/;

const TEXT_LENGTH_MAX = 1024;

const CONTROL = /\p{Control}|\p{Surrogate}/u;

/** What every stream has that can be a connection. */
const METHODS = ['on', 'write', 'end', 'cork', 'uncork', 'pause', 'resume', 'destroy'] as const;

/** Takes streams that the program brings as the connections of clients. */
export class Streams {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  attach(duplex: Duplex, options: StreamOptions = {}): void {
    const args = new Arguments('attach');
    checkStream(args, duplex);
    const { remoteAddress, userName } = checkOrigin(args, options, ['protocol']);
    const { protocol = defaultProtocol(duplex) } = options;
    if (!PROTOCOL.test(args.text('protocol', protocol))) {
      args.refuse(
        `protocol takes a word of up to 32 of a-z, 0-9, '.', '+' and '-', not ${shown(protocol)}`,
      );
    }
    attachStream(this.#broker, duplex, {
      remoteAddress: remoteAddress ?? defaultAddress(duplex),
      protocol,
      userName,
      certificate: certificateFacts(duplex),
      certificateName: certificateName(duplex),
    });
  }

  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    options: ClientOrigin = {},
  ): void {
    const args: Arguments = new Arguments('handleUpgrade');
    if (typeof request?.headers !== 'object' || typeof request.method !== 'string') {
      args.refuse(`request takes that of an 'upgrade' event, not ${shown(request)}`);
    }
    if (!(socket instanceof Socket)) {
      args.refuse(`socket takes that of an 'upgrade' event, not ${shown(socket)}`);
    }
    if (!(head instanceof Uint8Array)) {
      args.refuse(`head takes the bytes of an 'upgrade' event, not ${shown(head)}`);
    }
    const origin = checkOrigin(args, options);
    takeUpgrade(this.#broker, request, socket, Buffer.from(head), origin);
  }

  connect(options: ClientOrigin = {}): Duplex {
    const { remoteAddress, userName } = checkOrigin(new Arguments('connect'), options);
    const { client, server } = pipe();
    attachStream(this.#broker, server, {
      remoteAddress: remoteAddress ?? 'inside',
      protocol: 'inside',
      userName,
      certificate: null,
      certificateName: null,
    });
    return client;
  }
}

function checkStream(args: Arguments, duplex: Duplex): void {
  const missing = METHODS.find((name) => typeof duplex?.[name] !== 'function');
  if (missing !== undefined) {
    args.refuse(`takes a Duplex of node:stream, not ${shown(duplex)}, which has no ${missing}()`);
  }
  if (duplex.readableObjectMode || duplex.writableObjectMode) {
    args.refuse('takes a stream of bytes, not one in object mode');
  }
  if (duplex.readableEncoding !== null && duplex.readableEncoding !== undefined) {
    args.refuse(
      `takes a stream of bytes, and this one has the encoding ${duplex.readableEncoding}`,
    );
  }
  if (duplex.destroyed || duplex.readable === false || duplex.writable === false) {
    args.refuse('takes a stream that can be read and written, and this one is closed');
  }
}

/** @returns what was given, null where it wasn't */
function checkOrigin(
  args: Arguments,
  options: ClientOrigin,
  otherKeys: readonly string[] = [],
): { remoteAddress: string | null; userName: string | null } {
  args.options(options, ['remoteAddress', 'userName', ...otherKeys]);
  const text = (name: 'remoteAddress' | 'userName'): string | null => {
    const value = options[name];
    if (value === undefined) return null;
    const given = args.text(name, value);
    if (given === '' || given.length > TEXT_LENGTH_MAX || CONTROL.test(given)) {
      args.refuse(
        `${name} takes 1 to ${TEXT_LENGTH_MAX} characters without control characters, not ${shown(given)}`,
      );
    }
    return given;
  };
  return { remoteAddress: text('remoteAddress'), userName: text('userName') };
}

function defaultProtocol(duplex: Duplex): string {
  if (duplex instanceof TLSSocket) return 'tls';
  return duplex instanceof Socket ? 'tcp' : 'stream';
}

function defaultAddress(duplex: Duplex): string {
  return duplex instanceof Socket ? addressOf(duplex) : 'stream';
}
