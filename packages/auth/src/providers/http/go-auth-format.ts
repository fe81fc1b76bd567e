import type { Authorization, AuthorizeRequest } from '../../authorization.ts';
import type { ProviderAnswer } from '../../provider.ts';
import type { TemplateValues } from '../template.ts';
import type { HttpAnswer } from '../web/http-client.ts';
import { parsedOf } from './answers.ts';
import { credentialValues, passwordOf, realTopicOf, requestValues } from './client-values.ts';
import type { Endpoint, Fields } from './endpoint.ts';
import { type HttpFormat, type HttpParts, refusalOf } from './http-format.ts';
import type { HttpOptions } from './http-options.ts';

/** What a client wants, as mosquitto has it: `MOSQ_ACL_WRITE` and `MOSQ_ACL_SUBSCRIBE`. */
const WRITE = 2;
const SUBSCRIBE = 4;

/**
 * The format of mosquitto-go-auth's HTTP backend: one URL for users, one for superusers, one for what they may do, answered by
 * their status (2xx is yes), by `{ ok, error }`, or by the text `ok`. It knows users only: a client without a user name is left to the next
 * provider.
 */
export function goAuthFormat({ options, clients, actions, superusers }: HttpParts): HttpFormat {
  return {
    authenticate: async (credentials, signal) => {
      const { userName, clientId } = credentials;
      if (userName === null) return { result: 'pass', why: 'http: no user name' };
      const values = credentialValues(credentials);
      const password = passwordOf(credentials) ?? '';
      const user: Fields = { username: userName, password, clientid: clientId };
      const verdict = await ask(clients, user, values, options, signal);
      if (verdict !== 'allow')
        return { result: verdict, why: 'http: the server does not let it in' };
      const answer: ProviderAnswer = { result: 'allow' };
      if (superusers === null) return answer;
      const isSuperuser = await ask(superusers, { username: userName }, values, options, signal);
      return { ...answer, isSuperuser: isSuperuser === 'allow' };
    },
    ...(actions === null
      ? {}
      : {
          authorize: async (request, signal) => {
            const values = requestValues(request);
            const result = await ask(actions, actionOf(request), values, options, signal);
            return { result, holdsMs: options.authorizeCache } satisfies Authorization;
          },
        }),
  };
}

function actionOf(request: AuthorizeRequest): Fields {
  const { userName, clientId, action } = request;
  return {
    username: userName ?? '',
    clientid: clientId,
    topic: realTopicOf(request),
    acc: action === 'publish' ? WRITE : SUBSCRIBE,
  };
}

async function ask(
  endpoint: Endpoint,
  fields: Fields,
  values: TemplateValues,
  options: HttpOptions,
  signal: AbortSignal,
): Promise<'allow' | 'deny' | 'pass'> {
  const answer = await endpoint.ask(fields, values, signal);
  if (answer.status < 200 || answer.status > 299) return refusalOf(answer, options);
  return saysYes(answer, options) ? 'allow' : 'deny';
}

function saysYes(answer: HttpAnswer, { responseMode }: HttpOptions): boolean {
  switch (responseMode) {
    case 'status':
      return true;
    case 'text':
      return answer.body.toString('utf8').trim() === 'ok';
    case 'json': {
      const object = parsedOf(answer);
      // Go's decoder, and so the endpoints that were made for it, takes either spelling.
      return (object['ok'] ?? object['Ok']) === true;
    }
  }
}
