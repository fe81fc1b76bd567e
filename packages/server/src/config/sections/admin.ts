import { z } from 'zod';
import { objects } from '../values/objects.ts';
import {
  addresses,
  duration,
  flag,
  integer,
  list,
  pathOrNone,
  rateOrNone,
  size,
  text,
} from '../values/units.ts';

/** What a key of the API may be allowed to do. */
export const ADMIN_SCOPES = ['read', 'publish', 'clients', 'auth', 'config'] as const;

/** Of secrets that people choose: shorter ones can be guessed. */
const SECRET_LENGTH_MIN = 16;

/** A key that the configuration itself has. */
const adminKey = z.strictObject({
  name: text(64)
    .pipe(
      z
        .string()
        .regex(
          /^[\w.@-]{1,64}$/,
          'a name of letters, digits, _, -, . and @, at most 64 characters',
        ),
    )
    .describe('what it is called; as the user name of Basic, and in the audit'),
  secret: text(1024)
    .pipe(z.string().min(SECRET_LENGTH_MIN, `a secret of at least ${SECRET_LENGTH_MIN} characters`))
    .describe('its secret; better given by the environment')
    .meta({ secret: true }),
  scopes: list(ADMIN_SCOPES.length)
    .pipe(z.array(z.enum(ADMIN_SCOPES, `a list of ${ADMIN_SCOPES.join(', ')}`)))
    .prefault(['read'])
    .describe(`what it may do: ${ADMIN_SCOPES.join(', ')}`),
});

/** The API for operators and programs, and the console. */
export const adminSection = z
  .strictObject({
    bind: addresses()
      .prefault('127.0.0.1:18083')
      .describe(
        'where the admin API and the console are served as soon as there is an API key: HOST:PORT, several of them, or none',
      )
      .meta({ restart: true }),
    keyFile: text(4096)
      .prefault('auto')
      .describe(
        'file of the API keys, made by promptmq admin key: a path, auto (admin-keys.json in storage.data-dir, where there is one) or none',
      )
      .meta({ restart: true }),
    keys: objects(100, 'a key with name, secret and scopes', adminKey)
      .prefault([])
      .describe('API keys beside those of the file, for programs and containers'),
    tlsCert: pathOrNone()
      .prefault(null)
      .describe(
        'file with the certificate of the admin listener and those between it and its root, as PEM; without it, it is HTTP',
      ),
    tlsKey: pathOrNone()
      .prefault(null)
      .describe("file with that certificate's private key, as PEM"),
    console: flag().prefault(true).describe('whether the console is served beside the API'),
    readOnly: flag()
      .prefault(false)
      .describe('whether nothing can be changed by the API and the console, whoever asks'),
    origins: list(100)
      .prefault([])
      .describe(
        'web pages of other hosts whose scripts may use the API with a key, such as https://ops.example.org; empty: none',
      ),
    maxConnections: integer(1, 10_000)
      .prefault(64)
      .describe(
        'connections of the admin listener at a time; for one more, the one that has been idle for longest is closed. Half of them may be streams, such as events',
      )
      .meta({ restart: true }),
    maxBodySize: size(1024, 268_435_456)
      .prefault('1MiB')
      .describe('bytes that may come with a request to the admin listener'),
    requestTimeout: duration(100, 3_600_000)
      .prefault('10s')
      .describe(
        'how long a request to the admin listener may take to arrive and be answered; streams, and what waits for the disk, take as long as they take',
      )
      .meta({ restart: true }),
    rate: rateOrNone('count')
      .prefault('500/s')
      .describe(
        'requests of each API key, and of each address, to the admin listener; beyond, they are answered 429',
      ),
    failedLogins: rateOrNone('count')
      .prefault('10/1m')
      .describe(
        'requests of an address with a wrong key or secret; beyond, whatever it sends with a key or secret is answered 429 without a look at it',
      ),
    maxSessions: integer(1, 10_000)
      .prefault(100)
      .describe(
        'sessions of the console at a time; for one more, the one that was idle longest ends',
      ),
    sessionTimeout: duration(60_000, 30 * 86_400_000)
      .prefault('30m')
      .describe('how long a session of the console lasts without a request'),
    maxStreams: integer(0, 5000)
      .prefault(24)
      .describe(
        'answers at a time that continue until one side ends them, by default enough for a few people with several pages each: events, lines of the log, packets of a client',
      ),
    maxStreamBytes: size(16_384, 1_000_000_000)
      .prefault('1MB')
      .describe(
        'bytes that may wait for the reader of one, by default a second of what such a page can show; further events are dropped, and he is told how many',
      ),
    maxEventRate: integer(1, 1_000_000)
      .prefault(10_000)
      .describe(
        'events a second, of each type, that the reader of one may have, by default a tenth of a processor; for those beyond, nothing is made, and he is told for how long',
      ),
    resumeTimeout: duration(0, 3_600_000)
      .prefault('1m')
      .describe(
        'how long events are kept for a reader of GET /events whose connection has ended, until he comes back with Last-Event-ID; 0 for not at all',
      ),
    maxResumeBytes: size(0, 100_000_000)
      .prefault('256KiB')
      .describe(
        'bytes of events that are kept for such a reader; where more has happened he is told that there is a gap',
      ),
    maxRequests: integer(0, 5000)
      .prefault(16)
      .describe(
        'requests over MQTT (POST /request) that wait for their response at a time; each has a connection of its own to the API, of which there are few',
      ),
    maxTraces: integer(0, 100)
      .prefault(10)
      .describe('traces with names at a time (POST /trace), those included that have ended'),
    maxTraceBytes: size(1024, 10_000_000)
      .prefault('1MB')
      .describe('bytes of a trace with a name, in memory; then it ends'),
    maxTraceDuration: duration(1000, 7 * 86_400_000)
      .prefault('24h')
      .describe('how long a trace with a name lasts at most; without an end it lasts ten minutes'),
    auditEntries: integer(0, 1_000_000)
      .prefault(1000)
      .describe(
        'requests that could change something which are kept for GET /audit; all of them are in the log',
      ),
  })
  .prefault({});
