import { type AclRule, aclFromClaim } from '../../acl/index.ts';
import type { ProviderAnswer } from '../../provider.ts';
import type { Template, TemplateValues } from '../template.ts';
import type { HttpAnswer } from '../web/http-client.ts';
import { AnswerError, isRecord, objectOf } from './answers.ts';
import { credentialValues, requestValues } from './client-values.ts';
import { type Endpoint, templateOf } from './endpoint.ts';
import { type HttpFormat, type HttpParts, refusalOf } from './http-format.ts';
import { CLIENT_PLACEHOLDERS, type HttpOptions, REQUEST_PLACEHOLDERS } from './http-options.ts';

/** What is sent of a client where nothing else is asked for. */
const CLIENT_BODY: Readonly<Record<string, string>> = {
  clientid: '${clientid}',
  username: '${username}',
  password: '${password}',
  peerhost: '${peerhost}',
  cert_common_name: '${cert_common_name}',
  cert_subject: '${cert_subject}',
};

/** The same of what it wants to do. */
const ACTION_BODY: Readonly<Record<string, string>> = {
  clientid: '${clientid}',
  username: '${username}',
  peerhost: '${peerhost}',
  action: '${action}',
  topic: '${topic}',
  qos: '${qos}',
  retain: '${retain}',
};

/** Attributes of a client. */
const ATTRIBUTES_MAX = 1000;

/**
 * The format of EMQX 5: 200 with `{ result: allow|deny|ignore, is_superuser, client_attrs, expire_at, acl }`, or 204 for yes. What isn't
 * there is sent as an empty text.
 */
export function emqxFormat({ options, clients, actions }: HttpParts): HttpFormat {
  const clientBody = bodyOf('body', options.body ?? CLIENT_BODY, CLIENT_PLACEHOLDERS);
  const actionBody = bodyOf(
    'authorize-body',
    options.authorizeBody ?? ACTION_BODY,
    REQUEST_PLACEHOLDERS,
  );
  return {
    authenticate: async (credentials, signal) => {
      const answer = await ask(clients, clientBody, credentialValues(credentials), signal);
      return clientAnswer(answer, options);
    },
    ...(actions === null
      ? {}
      : {
          authorize: async (request, signal) => {
            const answer = await ask(actions, actionBody, requestValues(request), signal);
            return { result: actionAnswer(answer, options), holdsMs: options.authorizeCache };
          },
        }),
  };
}

type Body = readonly (readonly [name: string, value: Template])[];

function bodyOf(
  option: string,
  body: Readonly<Record<string, string>>,
  placeholders: readonly string[],
): Body {
  return Object.entries(body).map(([name, text]) => [name, templateOf(option, text, placeholders)]);
}

function ask(
  endpoint: Endpoint,
  body: Body,
  values: TemplateValues,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const fields = body.map(([name, value]) => [name, value.fill(values, undefined, '')]);
  return endpoint.ask(Object.fromEntries(fields), values, signal);
}

function clientAnswer(answer: HttpAnswer, options: HttpOptions): ProviderAnswer {
  if (answer.status === 204) return { result: 'allow' };
  if (answer.status !== 200) {
    const why = `http: it answered with status ${answer.status}`;
    return { result: refusalOf(answer, options), why };
  }
  const object = objectOf(answer);
  const result = resultOf(object);
  if (result !== 'allow') return { result, why: 'http: the server does not let it in' };
  return {
    result,
    ...(object['is_superuser'] === undefined ? {} : { isSuperuser: superuserOf(object) }),
    ...(object['client_attrs'] === undefined ? {} : { attributes: attributesOf(object) }),
    ...(object['expire_at'] === undefined ? {} : { expiresAt: expiryOf(object) }),
    ...(object['acl'] === undefined ? {} : { acl: rulesOf(object) }),
  };
}

function actionAnswer(answer: HttpAnswer, options: HttpOptions): 'allow' | 'deny' | 'pass' {
  if (answer.status === 204) return 'allow';
  return answer.status === 200 ? resultOf(objectOf(answer)) : refusalOf(answer, options);
}

function resultOf({ result }: Readonly<Record<string, unknown>>): 'allow' | 'deny' | 'pass' {
  switch (result) {
    case 'allow':
    case 'deny':
      return result;
    case 'ignore':
    case undefined:
      return 'pass';
    default:
      throw new AnswerError('its `result` is none of allow, deny and ignore');
  }
}

function superuserOf({ is_superuser }: Readonly<Record<string, unknown>>): boolean {
  if (typeof is_superuser === 'boolean') return is_superuser;
  throw new AnswerError('its `is_superuser` is not true or false');
}

function attributesOf({
  client_attrs,
}: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  if (isRecord(client_attrs)) {
    const entries = Object.entries(client_attrs);
    if (entries.length <= ATTRIBUTES_MAX && entries.every(([, text]) => typeof text === 'string')) {
      return Object.fromEntries(entries) as Record<string, string>;
    }
  }
  throw new AnswerError(`its \`client_attrs\` is not an object of at most ${ATTRIBUTES_MAX} texts`);
}

/** Seconds since 1970, as milliseconds. */
function expiryOf({ expire_at }: Readonly<Record<string, unknown>>): number {
  if (typeof expire_at === 'number' && Number.isFinite(expire_at)) return expire_at * 1000;
  throw new AnswerError('its `expire_at` is not a number of seconds since 1970');
}

function rulesOf({ acl }: Readonly<Record<string, unknown>>): readonly AclRule[] {
  try {
    return aclFromClaim(acl, 'http acl');
  } catch (error) {
    throw new AnswerError(error instanceof Error ? error.message : String(error));
  }
}
