import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const gzipped = promisify(gzip);

/** Smaller ones aren't worth it. */
const GZIP_BYTES_MIN = 1024;

/** Something that is the same for everybody, held whole. */
export interface StaticFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Null where that doesn't make it smaller. */
  readonly gzip: Buffer | null;
  readonly etag: string;
}

export async function staticFile(type: string, bytes: Buffer): Promise<StaticFile> {
  const small = /^(?:image|font)\/(?!svg)/.test(type) || bytes.length < GZIP_BYTES_MIN;
  const packed = small ? null : await gzipped(bytes);
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  return {
    type,
    bytes,
    gzip: packed !== null && packed.length < bytes.length ? packed : null,
    etag: `"${hash}"`,
  };
}

/** Answers GET or HEAD; browsers keep it, and ask each time whether it is still the same. */
export function answerStatic(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  { type, bytes, gzip: packed, etag }: StaticFile,
  status = 200,
): void {
  response.setHeader('cache-control', 'no-cache');
  response.setHeader('etag', etag);
  if (packed !== null) response.setHeader('vary', 'accept-encoding');
  if (status === 200 && isKnown(headers['if-none-match'], etag)) {
    response.writeHead(304);
    response.end();
    return;
  }
  const isPacked = packed !== null && /\bgzip\b/.test(`${headers['accept-encoding']}`);
  const body = isPacked ? packed : bytes;
  if (isPacked) response.setHeader('content-encoding', 'gzip');
  response.writeHead(status, { 'content-type': type, 'content-length': body.length });
  if (method === 'HEAD') response.end();
  else response.end(body);
}

function isKnown(header: string | undefined, etag: string): boolean {
  const known = header?.split(',').map((one) => one.trim().replace(/^W\//, '')) ?? [];
  return known.includes(etag) || known.includes('*');
}
