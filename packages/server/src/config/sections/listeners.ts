import { z } from 'zod';
import { objects } from '../values/objects.ts';
import {
  addresses,
  choice,
  flag,
  integer,
  list,
  path,
  pathOrNone,
  size,
  text,
  valueKinds,
} from '../values/units.ts';
import { chain } from './auth/chain.ts';
import { rates } from './limits.ts';
import { LOOPBACK } from './server.ts';

/** Protocol levels, by what people call the versions. */
const LEVELS = { '3.1': 3, '3.1.1': 4, '5': 5, '5.0': 5 } as const;

/** Versions of MQTT, as levels; YAML makes numbers of some of them. */
function versions() {
  return z
    .union([z.string(), z.number(), z.array(z.union([z.string(), z.number()]))])
    .transform((value, context): readonly (3 | 4 | 5)[] => {
      const items = Array.isArray(value) ? value : String(value).split(',');
      const levels = items.map((item) => LEVELS[String(item).trim() as keyof typeof LEVELS]);
      if (levels.every((level) => level !== undefined)) return levels;
      context.addIssue("a list of '3.1', '3.1.1' and '5'");
      return z.NEVER;
    })
    .register(valueKinds, { kind: 'list', lengthMax: 4 });
}

/** A certificate for clients that ask for a host by its name. */
const sniCertificate = z.strictObject({
  hosts: list(100)
    .prefault([])
    .describe(
      'names that clients ask for (SNI), such as mqtt.example.com or *.example.com; empty: those that the certificate is for',
    ),
  cert: path().describe('file with the certificate and those between it and its root, as PEM'),
  key: path().describe("file with the certificate's private key, as PEM"),
  keyPassphrase: text(1024)
    .prefault('')
    .describe('password of the private key')
    .meta({ secret: true }),
});

const listener = z.strictObject({
  name: text(64)
    .prefault('')
    .describe(
      'what it is called in the log, in metrics and when the configuration is read again; without one its kind and its port, such as tls-8883',
    ),
  kind: choice('tcp', 'tls', 'ws', 'wss', 'unix', 'auto').describe(
    'what it takes: MQTT over TCP, MQTT over TLS, MQTT over WebSocket, the same over TLS, MQTT over a Unix domain socket, or whichever of these (but Unix domain sockets) a client begins with, TLS where there is a certificate',
  ),
  bind: addresses().describe('where it listens').meta({ restart: true }),
  cert: pathOrNone()
    .prefault(null)
    .describe("file with the listener's certificate and those between it and its root, as PEM"),
  key: pathOrNone().prefault(null).describe("file with the certificate's private key, as PEM"),
  keyPassphrase: text(1024)
    .prefault('')
    .describe('password of the private key')
    .meta({ secret: true }),
  sni: objects(100, 'a certificate with cert and key', sniCertificate)
    .prefault([])
    .describe(
      'certificates for clients that ask for a host by its name; all others get the one of cert',
    ),
  ca: pathOrNone()
    .prefault(null)
    .describe('file with the certificates that sign those of clients, as PEM'),
  crl: pathOrNone()
    .prefault(null)
    .describe(
      'file with the lists of revoked certificates (CRL), as PEM: one of each certificate in ca. While one of them is out of date, no client certificate that depends on it is accepted',
    ),
  clientCertificates: choice('none', 'optional', 'require')
    .prefault('none')
    .describe('whether clients are asked for a certificate, and whether they need one'),
  pskFile: pathOrNone()
    .prefault(null)
    .describe(
      'file of pre-shared keys (TLS-PSK), a line IDENTITY:KEY each with the key in hexadecimal, as the psk_file of mosquitto: clients that have one need no certificate, and neither does the listener. TLS 1.2 is used then',
    ),
  minVersion: choice('TLSv1.2', 'TLSv1.3')
    .prefault('TLSv1.2')
    .describe('oldest TLS version that clients may use'),
  ciphers: text(4096)
    .prefault('')
    .describe(
      'ciphers as a list of OpenSSL, such as TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256; empty: those of Node.js',
    ),
  alpn: list(16)
    .prefault([])
    .describe(
      'application protocols that are agreed on in the TLS handshake (ALPN), such as mqtt; a client that names others only is refused. Empty: none is',
    ),
  proxyProtocol: choice('off', 'v1', 'v2', 'any')
    .prefault('off')
    .describe(
      'which PROXY protocol header every connection has to begin with; at a listener of kind auto those of proxy-trusted may, and others may not',
    ),
  proxyTrusted: list(1000)
    .prefault([...LOOPBACK])
    .describe(
      'addresses and networks of the proxies, such as 10.0.0.0/8, whose PROXY protocol headers and X-Forwarded-For are believed; Unix domain sockets are always trusted',
    ),
  forwardedFor: flag()
    .prefault(false)
    .describe(
      'whether the address of a WebSocket client is taken from X-Forwarded-For, where its connection comes from an address of proxy-trusted',
    ),
  path: list(16)
    .prefault(['/mqtt', '/'])
    .describe('paths where clients may open a WebSocket, with or without a slash at the end'),
  allowedOrigins: list(1000)
    .prefault([])
    .describe(
      'web pages, such as https://example.com, whose scripts may connect by WebSocket; empty allows any. Clients that send no Origin are not browsers, and always allowed',
    ),
  deflate: flag()
    .prefault(false)
    .describe(
      'whether WebSocket messages may be compressed (permessage-deflate), by clients and for them: it takes processor time, for each client again. Off by default, as most messages of MQTT are small',
    ),
  deflateMaxSize: size(1024, 64 * 1024 ** 2)
    .prefault('1MiB')
    .describe(
      'bytes that a compressed message may be inflated to: MQTT 5 clients that compress get it as the Maximum Packet Size. The default takes some 3 ms, in which nobody else is served',
    ),
  auth: chain()
    .optional()
    .describe(
      'who is asked who its clients are, in the place of auth.chain; none: nobody, and clients need no user',
    ),
  versions: versions()
    .prefault(['3.1', '3.1.1', '5'])
    .describe('versions of MQTT that clients may use: 3.1, 3.1.1 and 5'),
  mountPoint: text(1024)
    .prefault('')
    .describe(
      'part of the topic tree that the clients have for themselves, such as tenants/acme: what is a/b to them is tenants/acme/a/b to all others, and in rules. Empty: they see all topics',
    ),
  maxConnections: integer(0, 10_000_000)
    .prefault(0)
    .describe(
      'clients connected to this listener at the same time; 0 is without a limit of its own: mqtt.max-connections holds for all together',
    ),
  rates: z.strictObject(rates('all clients of this listener together')).prefault({}),
});

/** Listeners with settings of their own. */
export const listenersOption = objects(64, 'a listener with kind and bind', listener)
  .prefault([])
  .describe(
    'listeners with certificates, limits and rules of their own. Where there are any, server.bind and server.ws-bind are none unless they are given; what else is in server holds for the listeners that server names',
  );
