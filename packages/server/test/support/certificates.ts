import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A certificate with its private key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Its serial number as DER has it. */
  readonly serial: Buffer;
}

/** From when to when, as `YYMMDDhhmmssZ`. */
type Validity = readonly [from: string, to: string];

const LONG_VALID: Validity = ['200101000000Z', '491231235959Z'];

interface Issuer {
  readonly name: string;
  readonly privateKey: KeyObject;
}

/** Signs certificates for tests, so that no key has to be kept anywhere. */
export class CertificateAuthority {
  readonly cert: string;
  readonly #issuer: Issuer;

  /** @param parent - who signs its certificate; by default itself */
  constructor(name = 'Test CA', parent: CertificateAuthority | null = null) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#issuer = { name, privateKey };
    const signer = parent === null ? this.#issuer : parent.#issuer;
    this.cert = toPem(certificate(name, publicKey, signer, true, LONG_VALID));
  }

  /** A certificate for a host or a client, valid at 127.0.0.1 and at the hosts given. */
  issue(
    commonName: string,
    validity: Validity = LONG_VALID,
    hosts: readonly string[] = ['localhost'],
  ): Certificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
    return {
      cert: toPem(certificate(commonName, publicKey, this.#issuer, false, validity, hosts, serial)),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      serial,
    };
  }

  /** A list of revoked certificates (RFC 5280, 5.1). */
  revoke(revoked: readonly Certificate[], [from, to]: Validity = LONG_VALID): string {
    const { name, privateKey } = this.#issuer;
    const entries = revoked.map(({ serial }) => sequence(der(0x02, serial), der(0x17, from)));
    const body = sequence(
      der(0x02, Buffer.from([1])),
      ECDSA_SHA256,
      nameOf(name),
      der(0x17, from),
      der(0x17, to),
      ...(entries.length === 0 ? [] : [sequence(...entries)]),
    );
    const signature = sign('sha256', body, privateKey);
    return toPem(sequence(body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature)), 'X509 CRL');
  }
}

function toPem(der: Buffer, label = 'CERTIFICATE'): string {
  const lines = der.toString('base64').match(/.{1,64}/g) as string[];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

// X.509 in DER (RFC 5280): tag, length, content.

function der(tag: number, ...content: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(content.map((part) => Buffer.from(part)));
  const size =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const octets = (content: Buffer) => der(0x04, content);
const TRUE = der(0x01, Buffer.from([0xff]));
const NAME_OID = oid('550403');
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(NAME_OID, der(0x0c, commonName))));
}

function certificate(
  commonName: string,
  publicKey: KeyObject,
  issuer: Issuer,
  isAuthority: boolean,
  [from, to]: Validity,
  hosts: readonly string[] = ['localhost'],
  serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]),
): Buffer {
  const extensions = [
    sequence(oid('551d13'), TRUE, octets(isAuthority ? sequence(TRUE) : sequence())),
    sequence(
      oid('551d11'),
      octets(
        sequence(...hosts.map((host) => der(0x82, host)), der(0x87, Buffer.from([127, 0, 0, 1]))),
      ),
    ),
  ];
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ECDSA_SHA256,
    nameOf(issuer.name),
    sequence(der(0x17, from), der(0x17, to)),
    nameOf(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, issuer.privateKey);
  return sequence(body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature));
}
