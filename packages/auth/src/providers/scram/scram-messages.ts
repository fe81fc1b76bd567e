/** The first message of a client (RFC 5802, 7): `n,,n=user,r=nonce`. */
export interface ClientFirst {
  /** As it came, up to the second comma: the client repeats it in its final message. */
  readonly gs2Header: string;
  /** The rest, as it came. */
  readonly bare: string;
  readonly userName: string;
  /** As whom it wants to act; empty for itself. */
  readonly authorizationId: string;
  readonly nonce: string;
}

export interface ClientFinal {
  /** Decoded: the GS2 header of the first message, where there is no channel binding. */
  readonly channelBinding: string;
  readonly nonce: string;
  /** As it came, without its proof. */
  readonly withoutProof: string;
  readonly proof: Buffer;
}

/** A message of a client that can't be answered otherwise. */
export class ScramMessageError extends Error {
  override readonly name = 'ScramMessageError';
}

/** Longer ones have no user name that there could be, or nonces without a reason. */
const MESSAGE_SIZE_MAX = 4096;

/** @throws {ScramMessageError} when it is none, or wants channel binding, which there isn't here */
export function parseClientFirst(data: Uint8Array): ClientFirst {
  const text = textOf(data);
  const header = /^([ny]|p=[A-Za-z0-9.-]+),(?:a=([^,]*))?,/.exec(text);
  if (header === null) throw new ScramMessageError('it does not begin with a GS2 header');
  const [gs2Header, flag, authorizationId = ''] = header as unknown as [string, string, string?];
  if (flag.startsWith('p')) throw new ScramMessageError('channel binding is not supported');
  const bare = text.slice(gs2Header.length);
  const parts = /^n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?$/.exec(bare);
  // Extensions that a server has to understand come before the name: m=.
  if (parts === null) throw new ScramMessageError('it has no user name and nonce');
  return {
    gs2Header,
    bare,
    userName: nameOf(parts[1] as string),
    authorizationId: nameOf(authorizationId),
    nonce: parts[2] as string,
  };
}

/** @throws {ScramMessageError} when it is none */
export function parseClientFinal(data: Uint8Array): ClientFinal {
  const text = textOf(data);
  const match =
    /^(c=([A-Za-z0-9+/]+={0,2}),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?),p=([A-Za-z0-9+/]+={0,2})$/.exec(
      text,
    );
  if (match === null) throw new ScramMessageError('it has no channel binding, nonce and proof');
  return {
    channelBinding: Buffer.from(match[2] as string, 'base64').toString(),
    nonce: match[3] as string,
    withoutProof: match[1] as string,
    proof: Buffer.from(match[4] as string, 'base64'),
  };
}

function textOf(data: Uint8Array): string {
  if (data.length > MESSAGE_SIZE_MAX) throw new ScramMessageError('it is too long');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new ScramMessageError('it is not UTF-8');
  }
}

/** In names, `=2C` is a comma and `=3D` an equals sign; no other equals signs are there. */
function nameOf(text: string): string {
  if (/=(?!2C|3D)/.test(text)) throw new ScramMessageError('its user name has an equals sign');
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
