import { z } from 'zod';
import {
  addresses,
  choice,
  duration,
  flag,
  integer,
  list,
  pathOrNone,
  size,
  sizeOrNone,
  text,
} from '../values/units.ts';

const DAY_MS = 86_400_000;
const GIGABYTE = 1000 ** 3;

/** What is counted and where it can be read. */
export const metricsSection = z
  .strictObject({
    enabled: flag()
      .prefault(true)
      .describe('whether metrics and health are served over HTTP')
      .meta({ restart: true }),
    bind: addresses()
      .prefault(':9090')
      .describe('where to serve them: HOST:PORT, unix:PATH, several of them, or none')
      .meta({ restart: true }),
    path: text(256)
      .prefault('/metrics')
      .describe('path of the metrics; /health and /ready are beside it')
      .meta({ restart: true }),
    maxConnections: integer(2, 10_000)
      .prefault(64)
      .describe(
        'connections to that address at a time, by default enough for some scrapers and probes with a few each; a further one takes the place of the one that has been idle for longest, so that health is always answered',
      )
      .meta({ restart: true }),
    topics: list(100).prefault([]).describe('topic filters whose messages are counted separately'),
    sysInterval: duration(0, DAY_MS)
      .prefault('10s')
      .describe('how often the topics below $SYS are published; 0 is never'),
  })
  .prefault({});

const rotationSection = z
  .strictObject({
    size: sizeOrNone(1024, 1000 * GIGABYTE)
      .prefault('100MB')
      .describe('size at which a log file is complete and the next one begins'),
    age: choice('none', '1h', '6h', '12h', '1d', '7d', '30d')
      .prefault('1d')
      .describe('age at which a log file is complete and the next one begins'),
    count: integer(1, 10_000)
      .prefault(10)
      .describe('log files that are kept beside the current one'),
    gzip: flag().prefault(true).describe('whether files that are kept are compressed'),
  })
  .prefault({});

/** What is logged, how, and where to. */
export const logSection = z
  .strictObject({
    level: choice('trace', 'debug', 'info', 'warn', 'error', 'fatal')
      .prefault('info')
      .describe('lowest level that is logged'),
    format: choice('console', 'json')
      .prefault('console')
      .describe('console is for people, json is one JSON object a line'),
    file: pathOrNone().prefault(null).describe('file to log to, instead of standard output'),
    rotation: rotationSection,
    maxWaitingBytes: size(65_536, GIGABYTE)
      .prefault('4MB')
      .describe(
        'bytes of lines that may wait for a slow disk or reader, some 20,000 lines by default, more than come while a file is compressed; lines beyond are dropped and counted',
      ),
    tailLines: integer(0, 10_000)
      .prefault(500)
      .describe('last lines that are kept in memory, for who opens the log in the console'),
    clientLinesPerSecond: integer(0, 1_000_000)
      .prefault(20)
      .describe('lines a second that clients can cause; what is left out is counted'),
    traceClients: list(100)
      .prefault([])
      .describe('client identifiers whose packets are logged, without payloads'),
  })
  .prefault({});
