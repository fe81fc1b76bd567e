import { HTTP_FORMATS } from '@promptmq/auth';
import type { z } from 'zod';
import {
  choice,
  choiceOf,
  duration,
  integer,
  map,
  pathOrNone,
  size,
  text,
} from '../../values/units.ts';
import { asking } from './provider.ts';

const DAY_MS = 86_400_000;

/** Clients that an HTTP server knows. */
export const httpProvider = asking({
  url: text(2000).describe('asked about each client that connects; may have placeholders'),
  format: choiceOf(HTTP_FORMATS)
    .prefault('emqx')
    .describe("whose requests and answers are spoken: EMQX's, VerneMQ's, mosquitto-go-auth's"),
  method: choice('post', 'get')
    .prefault('post')
    .describe('with get, what is asked stands in the query, which servers log'),
  encoding: choice('json', 'form').prefault('json').describe('how a body is written'),
  headers: map(100)
    .prefault({})
    .describe('sent with each request; may have placeholders, and no secrets'),
  authorizationFile: pathOrNone()
    .prefault(null)
    .describe('file with the value of the header Authorization, such as Bearer TOKEN'),
  body: map(100)
    .prefault({})
    .describe('emqx: what is sent about a client, with placeholders; empty for all that is known'),
  authorizeUrl: text(2000)
    .prefault('')
    .describe(
      'asked about each PUBLISH and each filter of a SUBSCRIBE, within hooks.timeout; may have placeholders; empty: nobody is asked',
    ),
  authorizeBody: map(100)
    .prefault({})
    .describe('emqx: what is sent about it, with placeholders; empty for all that is known'),
  authorizeCache: duration(0, DAY_MS)
    .prefault('1m')
    .describe(
      'how long an answer holds for the same of the same client, at most 1,000 of each client; 0: it is asked each time',
    ),
  superuserUrl: text(2000)
    .prefault('')
    .describe('go-auth: asked whether a user may do everything; empty for nobody'),
  responseMode: choice('status', 'json', 'text')
    .prefault('status')
    .describe('go-auth: how an answer says yes'),
  ca: pathOrNone()
    .prefault(null)
    .describe("file of certificates that are trusted instead of the system's, in PEM"),
  maxConnections: integer(1, 1000)
    .prefault(8)
    .describe('connections, and so requests at the same time'),
  maxWaiting: integer(0, 1_000_000)
    .prefault(1000)
    .describe(
      'requests that wait for a connection; a client beyond them is answered that the broker is busy',
    ),
  maxAnswerSize: size(100, 10_000_000)
    .prefault('64KiB')
    .describe('a larger answer is a failure: hundreds of rules have less'),
});

export type HttpSection = z.output<typeof httpProvider>;
