import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Broker } from '../broker.ts';
import type { Address } from '../config/index.ts';
import type { Transport, TransportHandler } from '../transport.ts';
import { type Listener, listen } from './listener.ts';

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
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: broker.config.mqtt.maxPacketSize + FRAME_BYTES_SPARE,
    handleProtocols: () => SUBPROTOCOL, // [MQTT-6.0.0-4]
  });
  const server = createServer((_request, response) => {
    response.writeHead(426, { connection: 'close', upgrade: 'websocket' });
    response.end('This is an MQTT broker: connect by WebSocket with the subprotocol "mqtt".\n');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // HTTP has let go of the socket: without a listener, a reset would end the process.
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request);
    if (refusal !== null) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const { remoteAddress, remotePort } = request.socket;
      const transport = new WebSocketTransport(
        webSocket,
        remoteAddress === undefined ? 'unix' : `${remoteAddress}:${remotePort}`,
      );
      const handler = broker.accept(transport);
      if (handler !== null) transport.start(handler);
    });
  });
  return listen(server, address, 'ws');
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
  readonly protocol = 'websocket';
  readonly remoteAddress: string;
  readonly #socket: WebSocket;
  #handler: TransportHandler | null = null;

  constructor(socket: WebSocket, remoteAddress: string) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
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
