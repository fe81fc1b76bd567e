import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { type SecureContextOptions, TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Broker } from '../broker.ts';
import type { Address } from '../config/index.ts';
import type { Transport, TransportHandler } from '../transport.ts';
import { type Listener, listen, serverOptions, tlsServerOptions } from './listener.ts';
import { PeerAddresses } from './proxy-front.ts';
import { certificateName } from './tcp.ts';

/** Where clients look for the broker. */
const PATHS: readonly string[] = ['/mqtt', '/'];

const SUBPROTOCOL = 'mqtt';

/**
 * A frame may hold many packets [MQTT-6.0.0-2]: it may exceed the largest packet by so much. It is held
 * whole before its packets are read, so it needs a limit of its own.
 */
const FRAME_BYTES_SPARE = 1_048_576;

/** WebSocket close code: the endpoint got a kind of data that it can't accept (RFC 6455, 7.4.1). */
const UNSUPPORTED_DATA = 1003;

/** Listens for MQTT over WebSocket (chapter 6). */
export function listenWebSocket(broker: Broker, address: Address): Promise<Listener> {
  const addresses = new PeerAddresses();
  const server = createServer(serverOptions(broker), refuseRequest);
  serveUpgrades(broker, server, addresses);
  return listen(broker, server, address, 'ws', addresses);
}

/** Listens for MQTT over WebSocket over TLS. */
export function listenSecureWebSocket(
  broker: Broker,
  address: Address,
  files: SecureContextOptions,
): Promise<Listener> {
  const addresses = new PeerAddresses();
  const server = createTlsServer(tlsServerOptions(broker, files), refuseRequest);
  serveUpgrades(broker, server, addresses);
  return listen(broker, server, address, 'wss', addresses);
}

function refuseRequest(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { connection: 'close', upgrade: 'websocket' });
  response.end('This is an MQTT broker: connect by WebSocket with the subprotocol "mqtt".\n');
}

function serveUpgrades(broker: Broker, server: Server, addresses: PeerAddresses): void {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: () => SUBPROTOCOL, // [MQTT-6.0.0-4]
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // HTTP has let go of the socket: without a listener, a reset would end the process.
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request);
    if (refusal !== null) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    // Read for each connection: a reload may have changed it.
    sockets.options.maxPayload = broker.config.mqtt.maxPacketSize + FRAME_BYTES_SPARE;
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const transport = new WebSocketTransport(webSocket, request, addresses);
      const handler = broker.accept(transport);
      if (handler !== null) transport.start(handler);
    });
  });
}

/** The status line that refuses an upgrade, or null. */
function refusalOf(request: IncomingMessage): string | null {
  const path = (request.url ?? '/').split('?', 1)[0] as string;
  if (!PATHS.includes(path)) return '404 Not Found';
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',');
  const offersMqtt = offered.some((name) => name.trim() === SUBPROTOCOL);
  return offersMqtt ? null : '400 Bad Request'; // [MQTT-6.0.0-3]
}

class WebSocketTransport implements Transport {
  readonly protocol: Transport['protocol'];
  readonly remoteAddress: string;
  readonly certificateName: string | null;
  readonly #socket: WebSocket;
  #handler: TransportHandler | null = null;

  constructor(socket: WebSocket, request: IncomingMessage, addresses: PeerAddresses) {
    this.#socket = socket;
    this.protocol = request.socket instanceof TLSSocket ? 'websocket-tls' : 'websocket';
    this.remoteAddress = addresses.get(request.socket);
    this.certificateName = certificateName(request.socket);
    // Without a listener, an error would be thrown; 'close' follows it.
    socket.on('error', () => {});
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    this.#socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) {
        handler.onData(data);
      } else {
        this.#socket.close(UNSUPPORTED_DATA); // [MQTT-6.0.0-1]
        handler.onEnd();
      }
    });
    this.#socket.on('close', () => handler.onClose(null));
  }

  write(chunk: Uint8Array): void {
    this.#socket.send(chunk, { binary: true }, (error) => {
      if (!error) this.#handler?.onWritten(chunk);
    });
  }

  // Every write is a frame of its own: there is nothing to gain from holding it back.
  cork(): void {}

  uncork(): void {}

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.close();
  }

  destroy(): void {
    this.#socket.terminate();
  }
}
