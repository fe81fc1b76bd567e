import { z } from 'zod';
import type { ApiBase } from '../api/api-host.ts';
import type { Call, Operation } from '../api/operation.ts';
import { ApiError, baseOperation, json, NO_CONTENT, SCOPES } from '../api/operation.ts';
import { sessionCookieName, sessionTokenOf } from '../gate/credentials.ts';
import type { UsableKey } from '../keys/key-ring.ts';

const name = z.string().min(1).max(64);
const secret = z.string().min(1).max(1024);

/** A key and its secret, or the same under the names that EMQX has. */
const loginBody = z.union(
  [z.object({ key: name, secret }), z.object({ username: name, password: secret })],
  'key and secret are needed, or username and password',
);

const sessionSchema = z.object({
  csrf: z.string().describe('what requests that change something bring as x-csrf-token'),
  name: z.string().describe('of the key'),
  scopes: z.array(z.enum(SCOPES)),
  readOnly: z.boolean().describe('whether nobody can change anything here'),
});

const tokenSchema = z.object({
  token: z.string().describe('for Authorization: Bearer, as long as it is used'),
  version: z.string().optional(),
});

export const sessionOperations: readonly Operation<ApiBase>[] = [
  baseOperation({
    id: 'login',
    method: 'POST',
    path: '/login',
    scope: 'read',
    isOpen: true,
    tag: 'Session',
    summary:
      'Log in with an API key: key and secret for a cookie, username and password for a token',
    body: loginBody,
    answers: {
      200: { description: 'Logged in', schema: z.union([sessionSchema, tokenSchema]) },
    },
    handle: (call) => {
      const { host, body, caller } = call;
      const { sessions } = host.access;
      const from = caller.address ?? 'socket';
      if ('username' in body) {
        const key = host.access.verify(body.username, body.password, from);
        const { token } = sessions.begin(key, false);
        return { ...json({ token }), who: { name: key.name, kind: 'key' } };
      }
      const key = host.access.verify(body.key, body.secret, from);
      const { token, session } = sessions.begin(key, true);
      return {
        status: 200,
        body: sessionOf(call, key, session.csrf),
        headers: { 'set-cookie': cookieText(token, call) },
        who: { name: key.name, kind: 'console' },
      };
    },
  }),
  baseOperation({
    id: 'getSession',
    method: 'GET',
    path: '/session',
    scope: 'read',
    isOpen: true,
    tag: 'Session',
    summary: 'Who is logged in with the cookie',
    answers: { 200: { description: 'Somebody is', schema: sessionSchema } },
    handle: (call) => {
      const token = tokenOf(call.headers);
      const session = token === null ? null : call.host.access.sessions.use(token);
      if (session === null || session.csrf === null) {
        throw new ApiError(401, 'UNAUTHORIZED', 'nobody is logged in');
      }
      return json(sessionOf(call, session.key, session.csrf));
    },
  }),
  baseOperation({
    id: 'logout',
    method: 'POST',
    path: '/logout',
    scope: 'read',
    isOpen: true,
    tag: 'Session',
    summary: 'End the session of the cookie, or of the token, with the streams that it has opened',
    answers: { 204: { description: 'Nobody is logged in any more', schema: null } },
    handle: (call) => {
      const { host, headers } = call;
      const bearer = /^bearer +([\w-]+)$/i.exec(headers.get('authorization') ?? '')?.[1];
      const token = bearer ?? tokenOf(headers);
      const ended = token === null ? null : host.access.sessions.end(token);
      const cookie = { 'set-cookie': `${cookieText('', call)}; Max-Age=0` };
      const answer = { ...NO_CONTENT, headers: bearer === undefined ? cookie : {} };
      if (ended === null) return answer;
      const kind = ended.csrf === null ? 'key' : 'console';
      return { ...answer, who: { name: ended.key.name, kind } };
    },
  }),
];

function sessionOf(
  { host }: Pick<Call<unknown, unknown, unknown, ApiBase>, 'host'>,
  { name: keyName, scopes }: UsableKey,
  csrf: string | null,
) {
  return {
    csrf,
    name: keyName,
    scopes: [...scopes],
    readOnly: host.config.admin.readOnly,
  };
}

function tokenOf(headers: Headers): string | null {
  return sessionTokenOf(headers.get('cookie') ?? undefined, headers.get('host') ?? undefined);
}

/** Scripts of pages can't read it, and no page of somebody else has it sent. */
function cookieText(
  token: string,
  { headers, isSecure }: Pick<Call<unknown, unknown, unknown, ApiBase>, 'headers' | 'isSecure'>,
): string {
  const secure = isSecure ? '; Secure' : '';
  return `${sessionCookieName(headers.get('host') ?? undefined)}=${token}; Path=/; HttpOnly; SameSite=Strict${secure}`;
}
