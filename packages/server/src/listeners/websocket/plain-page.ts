import type { IncomingMessage } from 'node:http';
import type { WebSocketProfile } from '../profile.ts';

/** What is said of a listener to those who look at it with a browser. */
export interface PageFacts {
  readonly webSocket: Pick<WebSocketProfile, 'paths'>;
  /** Whether MQTT is taken at the same address without WebSocket, too. */
  readonly takesMqtt: boolean;
}

/**
 * Answers an HTTP request that opens no WebSocket, whatever it asks for: a page for people that says what this is and what to do, or the
 * same as text for programs. Nothing of the request is in it, and nothing of the broker but its name.
 */
export function plainResponse({ headers, method }: IncomingMessage, facts: PageFacts): string {
  const isForPeople = (headers.accept ?? '').includes('text/html');
  const body = isForPeople ? pageOf(facts) : textOf(facts);
  const type = isForPeople ? 'text/html' : 'text/plain';
  return (
    'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\n' +
    `Content-Type: ${type}; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
    "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\n\r\n" +
    (method === 'HEAD' ? '' : body)
  );
}

function linesOf({ webSocket, takesMqtt }: PageFacts): string[] {
  const paths = webSocket.paths.join(' or ');
  return [
    'This is PromptMQ, an MQTT broker: it is for MQTT clients, not for browsers.',
    `Connect by WebSocket with the subprotocol "mqtt", at the path ${paths} of this address.`,
    ...(takesMqtt ? ['MQTT clients without WebSocket connect to the same host and port.'] : []),
  ];
}

function textOf(facts: PageFacts): string {
  return `${linesOf(facts).join('\n')}\n`;
}

function pageOf(facts: PageFacts): string {
  const paragraphs = linesOf(facts).map((line) => `<p>${escaped(line)}</p>`);
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>PromptMQ</title></head>\n<body><h1>PromptMQ</h1>\n${paragraphs.join('\n')}\n</body></html>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] as string);
}
