import { readFile } from 'node:fs/promises';
import { readOptionFile } from '../files.ts';
import { ProviderOptionError } from '../option-error.ts';
import { HttpClient, httpUrl } from '../web/http-client.ts';
import type { JwtKeyOptions } from './jwt-options.ts';

/** Bytes of a key set: hundreds of keys. */
const JWKS_BYTES_MAX = 256 * 1024;

/** Where a JSON Web Key Set comes from. */
export interface JwksSource {
  /** For people. */
  readonly place: string;
  /** @throws when it can't be had; the message has no secrets */
  load(signal: AbortSignal): Promise<string>;
  close(): void;
}

/** @throws {ProviderOptionError} when the file can't be read now, for it is a mistake in the configuration then */
export function fileSource(options: JwtKeyOptions & { kind: 'jwks-file' }): JwksSource {
  const { path } = options;
  readOptionFile('jwks-file', path, JWKS_BYTES_MAX);
  return {
    place: path,
    load: async () => {
      const content = await readFile(path);
      if (content.length > JWKS_BYTES_MAX)
        throw new Error(`it has more than ${JWKS_BYTES_MAX} bytes`);
      return content.toString('utf8');
    },
    close: () => {},
  };
}

/** @throws {ProviderOptionError} */
export function urlSource(options: JwtKeyOptions & { kind: 'jwks-url' }): JwksSource {
  const url = httpUrl('jwks-url', options.url);
  const { caFile, timeout } = options;
  if (caFile !== null && url.protocol !== 'https:') {
    throw new ProviderOptionError('jwks-ca', 'it goes with a URL that begins with https://');
  }
  const client = new HttpClient(url, {
    timeout,
    connectionsMax: 1,
    waitingMax: 1,
    answerBytesMax: JWKS_BYTES_MAX,
    ca: caFile === null ? null : readOptionFile('jwks-ca', caFile, 1024 * 1024),
  });
  return {
    place: `${url.origin}${url.pathname}`,
    load: async (signal) => {
      const answer = await client.request(
        {
          method: 'GET',
          url,
          headers: { accept: 'application/jwk-set+json, application/json' },
          body: null,
        },
        signal,
      );
      if (answer.status !== 200) throw new Error(`it was answered with status ${answer.status}`);
      return answer.body.toString('utf8');
    },
    close: () => client.close(),
  };
}
