import type { ConfigProblem } from '../../config/index.ts';

/*
 * What has to be known of a certificate revocation list (RFC 5280, 5.1) to say when it is out of date; OpenSSL checks all
 * else of it.
 *
 *   CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm, signature }
 *   TBSCertList     ::= SEQUENCE { version INTEGER OPTIONAL, signature SEQUENCE, issuer SEQUENCE, thisUpdate Time,
 *                                  nextUpdate Time OPTIONAL, ... }
 */

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/** When a list is to be replaced, in milliseconds since 1970; null when it doesn't say. Undefined when it is no such list. */
export function nextUpdateOf(der: Uint8Array): number | null | undefined {
  const list = elementAt(der, 0);
  if (list?.tag !== SEQUENCE) return undefined;
  const body = elementAt(der, list.start);
  if (body?.tag !== SEQUENCE || body.end > list.end) return undefined;
  const elements: Element[] = [];
  for (let offset = body.start; offset < body.end && elements.length < 5; ) {
    const element = elementAt(der, offset);
    if (element === null || element.end > body.end) return undefined;
    elements.push(element);
    offset = element.end;
  }
  const first = elements[0]?.tag === INTEGER ? 3 : 2;
  const thisUpdate = elements[first];
  if (thisUpdate === undefined || timeOf(der, thisUpdate) === null) return undefined;
  const next = elements[first + 1];
  return next === undefined ? null : timeOf(der, next);
}

interface Element {
  readonly tag: number;
  /** Of its content. */
  readonly start: number;
  readonly end: number;
}

/** Null when there is none, whole. */
function elementAt(der: Uint8Array, offset: number): Element | null {
  const tag = der[offset];
  const short = der[offset + 1];
  if (tag === undefined || short === undefined) return null;
  let start = offset + 2;
  let length = short;
  if (short >= 0x80) {
    const count = short & 0x7f;
    if (count === 0 || count > 4) return null;
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + (der[start++] ?? 0);
  }
  const end = start + length;
  return end <= der.length ? { tag, start, end } : null;
}

/** Null when it is no time. */
function timeOf(der: Uint8Array, { tag, start, end }: Element): number | null {
  const text = Buffer.from(der.subarray(start, end)).toString('latin1');
  const isShort = tag === UTC_TIME;
  if (!isShort && tag !== GENERALIZED_TIME) return null;
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (match === null) return null;
  const [year = 0, month = 1, day, hour, minute, second] = match.slice(1).map(Number);
  const century = isShort ? (year < 50 ? 2000 : 1900) : 0;
  return Date.UTC(century + year, month - 1, day, hour, minute, second);
}

/** The lists of a file; null when there are none, or one can't be read. */
function listsOf(pem: Buffer): Uint8Array[] | null {
  const blocks = [
    ...pem.toString('latin1').matchAll(/-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----/g),
  ].map(([, content = '']) => Buffer.from(content, 'base64'));
  const areLists = blocks.every((der) => nextUpdateOf(der) !== undefined);
  return blocks.length > 0 && areLists ? blocks : null;
}

/** Why the lists of a file can't be used. */
export function crlProblem(key: string, source: string, pem: Buffer): ConfigProblem[] {
  if (listsOf(pem) !== null) return [];
  const message =
    'it holds no list of revoked certificates that can be read: PEM is needed, text that begins with -----BEGIN X509 CRL-----';
  return [{ key, source, message }];
}

/** Lists that are out of date: every client certificate that depends on them is refused. */
export function crlWarnings(
  key: string,
  source: string,
  pem: Buffer,
  now: number,
): ConfigProblem[] {
  return (listsOf(pem) ?? []).flatMap((der) => {
    const next = nextUpdateOf(der) ?? null;
    if (next === null || now <= next) return [];
    const date = new Date(next).toISOString().slice(0, 10);
    const message = `a list of revoked certificates is out of date since ${date}: the client certificates that depend on it are refused until a newer one is read`;
    return [{ key, source, message }];
  });
}
