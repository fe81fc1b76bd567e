import { z } from 'zod';
import {
  addresses,
  choice,
  duration,
  flag,
  integerOrAuto,
  list,
  pathOrNone,
  size,
  text,
} from '../values/units.ts';

/** This machine. */
export const LOOPBACK = ['127.0.0.0/8', '::1'] as const;

const DAY_MS = 86_400_000;

/** As many as a cluster has cells at most. */
export const WORKERS_MAX = 64;

/** Certificates of the listeners that encrypt. */
const tlsSection = z
  .strictObject({
    cert: pathOrNone()
      .prefault(null)
      .describe("file with the broker's certificate and those between it and its root, as PEM"),
    key: pathOrNone().prefault(null).describe("file with the certificate's private key, as PEM"),
    keyPassphrase: text(1024)
      .prefault('')
      .describe('password of the private key; better given by the environment')
      .meta({ secret: true }),
    ca: pathOrNone()
      .prefault(null)
      .describe('file with the certificates that sign those of clients, as PEM'),
    clientCertificates: choice('none', 'optional', 'require')
      .prefault('none')
      .describe('whether clients are asked for a certificate, and whether they need one'),
    useSubjectAsUserName: flag()
      .prefault(false)
      .describe("whether a client's user name is the common name of its certificate"),
    expiryWarning: duration(0, 3650 * DAY_MS)
      .prefault('30d')
      .describe(
        'how long before a certificate of any listener expires the log begins to warn of it: at a start, at each reload and once a day. The default leaves time for whoever renews them by hand',
      ),
    minVersion: choice('TLSv1.2', 'TLSv1.3')
      .prefault('TLSv1.2')
      .describe('oldest TLS version that clients may use'),
  })
  .prefault({});

/** Where the broker listens, and the process it runs in. */
export const serverSection = z
  .strictObject({
    bind: addresses()
      .prefault(':1883')
      .describe(
        'where to listen for MQTT over TCP: HOST:PORT, unix:PATH, several of them, or none; without HOST at all addresses, of IPv6 and IPv4 where the machine has both: localhost is either',
      )
      .meta({ restart: true }),
    wsBind: addresses()
      .prefault(':8080')
      .describe('where to listen for MQTT over WebSocket; as server.bind')
      .meta({ restart: true }),
    tlsBind: addresses()
      .prefault('none')
      .describe('where to listen for MQTT over TLS; needs server.tls.cert and server.tls.key')
      .meta({ restart: true }),
    wssBind: addresses()
      .prefault('none')
      .describe('where to listen for MQTT over WebSocket over TLS')
      .meta({ restart: true }),
    tls: tlsSection,
    proxyProtocol: choice('off', 'v1', 'v2', 'any')
      .prefault('off')
      .describe('which PROXY protocol header every TCP and TLS connection has to begin with'),
    proxyTrusted: list(1000)
      .prefault([...LOOPBACK])
      .describe(
        'addresses and networks of the proxies, such as 10.0.0.0/8: with server.proxy-protocol, connections from others are closed, as anybody could claim any address. By default only this machine, as nothing is known of the network. Unix domain sockets are always trusted',
      ),
    wsMaxFrameSize: size(1024, 256 * 1024 ** 2)
      .prefault('16MiB')
      .describe(
        'largest WebSocket frame of a client, which MQTT 5 clients get as the Maximum Packet Size there; most clients put a packet in one frame, and browsers hold it whole',
      ),
    wsAllowedOrigins: list(1000)
      .prefault([])
      .describe(
        'web pages, such as https://example.com, whose scripts may connect by WebSocket; empty allows any, as other brokers do: MQTT clients send their user name themselves, browsers add none. Clients that send no Origin are not browsers, and always allowed',
      ),
    readBuffer: size(1024, 1024 ** 2)
      .prefault(4096)
      .describe('bytes that are read in advance from a client that is held back')
      .meta({ restart: true }),
    writeBuffer: size(512, 65_536)
      .prefault(4096)
      .describe('first size of the buffer that gathers packets for a client; it grows to 64 KiB'),
    readTimeout: duration(0, DAY_MS)
      .prefault('30s')
      .describe(
        'how long each 64 KiB of a packet may take to arrive, and how long nothing of a packet that has begun may arrive, but never less than 1.5 times the keep alive, which slow networks may need; 0 is without limit',
      ),
    tcpKeepAlive: duration(0, DAY_MS)
      .prefault('60s')
      .describe(
        'how long a connection is idle before the system asks whether its peer is still there (SO_KEEPALIVE), which finds clients that are gone and have no keep alive of MQTT; 0 is never. The default is as often as clients usually send PINGREQ, and shorter than the time after which routers forget connections',
      )
      .meta({ restart: true }),
    writeTimeout: duration(0, DAY_MS)
      .prefault('30s')
      .describe('how long a client may read nothing while data waits for it; 0 is without limit'),
    shutdownTimeout: duration(0, DAY_MS)
      .prefault('5s')
      .describe('how long clients may take to close when the broker stops'),
    workers: integerOrAuto(1, WORKERS_MAX)
      .prefault(1)
      .describe(
        'processes that share the clients, each with the sessions and the log of its part of them; auto: one for each core. With data it stays as it is: what there is belongs to so many',
      )
      .meta({ restart: true }),
    daemon: flag()
      .prefault(false)
      .describe('whether to run in the background; needs server.pid-file')
      .meta({ restart: true }),
    pidFile: pathOrNone()
      .prefault(null)
      .describe('file that holds the process identifier while the broker runs')
      .meta({ restart: true }),
    adminSocket: text(4096)
      .prefault('auto')
      .describe(
        'Unix domain socket for commands that ask the broker, such as promptmq trace and status: a path, auto (admin.sock in storage.data-dir, where there is one) or none',
      )
      .meta({ restart: true }),
  })
  .prefault({});
