import type { Authorization, AuthorizeRequest } from '../../authorization.ts';
import type { Credentials } from '../../credentials.ts';
import type { ProviderAnswer } from '../../provider.ts';
import type { HttpAnswer } from '../web/http-client.ts';
import { AnswerError, isRecord, maxAgeOf, parsedOf, reasonOf } from './answers.ts';
import { credentialValues, passwordOf, requestValues } from './client-values.ts';
import { type HttpFormat, type HttpParts, refusalOf } from './http-format.ts';
import type { HttpOptions } from './http-options.ts';

/**
 * The format of VerneMQ's webhooks: POST with the header `vernemq-hook`, answered with 200 and `{ result: "ok" | "next" | { error } }`, and
 * with `cache-control: max-age` for how long it holds. Modifiers that would let a client do something else than it wants to are refused, as
 * nobody meant it to do what it wanted; those that change limits have no effect. The payload of messages isn't sent.
 */
export function vernemqFormat({ options, clients, actions }: HttpParts): HttpFormat {
  return {
    authenticate: async (credentials, signal) => {
      const hook = credentials.version === 5 ? 'auth_on_register_m5' : 'auth_on_register';
      const answer = await clients.ask(
        registration(credentials),
        credentialValues(credentials),
        signal,
        { 'vernemq-hook': hook },
      );
      return registered(answer, options);
    },
    ...(actions === null
      ? {}
      : {
          authorize: async (request, signal) => {
            const { action, version } = request;
            const hook = `auth_on_${action}${version === 5 ? '_m5' : ''}`;
            const answer = await actions.ask(actionOf(request), requestValues(request), signal, {
              'vernemq-hook': hook,
            });
            return authorized(answer, request, options);
          },
        }),
  };
}

function registration(credentials: Credentials): Readonly<Record<string, unknown>> {
  const { address, userName, clientId, cleanStart, version } = credentials;
  return {
    peer_addr: address,
    // It isn't known: a port is no fact about a client.
    peer_port: 0,
    username: userName,
    password: passwordOf(credentials),
    mountpoint: '',
    client_id: clientId,
    ...(version === 5
      ? { clean_start: cleanStart, properties: {} }
      : { clean_session: cleanStart }),
  };
}

function actionOf(request: AuthorizeRequest): Readonly<Record<string, unknown>> {
  const { userName, clientId, action, topic, qos, retain, version } = request;
  return {
    username: userName,
    client_id: clientId,
    mountpoint: '',
    ...(action === 'publish' ? { qos, topic, payload: '', retain } : { topics: [{ topic, qos }] }),
    ...(version === 5 ? { properties: {} } : {}),
  };
}

type Said =
  | { readonly result: 'ok'; readonly modifiers: Readonly<Record<string, unknown>> }
  | { readonly result: 'deny' | 'pass'; readonly why: string };

function saidIn(answer: HttpAnswer, options: HttpOptions): Said {
  if (answer.status !== 200) {
    const why = `http: it answered with status ${answer.status}`;
    return { result: refusalOf(answer, options), why };
  }
  const { result, modifiers = {}, topics } = parsedOf(answer);
  if (result === 'next') return { result: 'pass', why: 'http: next' };
  if (isRecord(result)) {
    return { result: 'deny', why: `http: ${reasonOf(result['error'])}` };
  }
  if (result !== 'ok') throw new AnswerError('its `result` is none of ok, next and { error }');
  if (!isRecord(modifiers)) throw new AnswerError('its `modifiers` are no object');
  // Before MQTT 5, filters stand beside the modifiers.
  return { result, modifiers: topics === undefined ? modifiers : { ...modifiers, topics } };
}

/** What a client would be that was let in as somebody else. */
const IDENTITIES = ['subscriber_id', 'client_id', 'mountpoint', 'username'];

function registered(answer: HttpAnswer, options: HttpOptions): ProviderAnswer {
  const said = saidIn(answer, options);
  if (said.result !== 'ok') return said;
  const changed = IDENTITIES.find((name) => Object.hasOwn(said.modifiers, name));
  if (changed !== undefined) {
    throw new AnswerError(`its modifier ${changed} is none that a client may be given`);
  }
  const cacheSeconds = maxAgeOf(answer);
  return { result: 'allow', ...(cacheSeconds === undefined ? {} : { cacheSeconds }) };
}

function authorized(
  answer: HttpAnswer,
  request: AuthorizeRequest,
  options: HttpOptions,
): Authorization {
  const said = saidIn(answer, options);
  const maxAge = maxAgeOf(answer);
  const holdsMs = maxAge === undefined ? options.authorizeCache : maxAge * 1000;
  if (said.result !== 'ok') return { result: said.result, holdsMs };
  const isAsAsked =
    request.action === 'publish'
      ? isMessage(said.modifiers, request)
      : isSubscription(said.modifiers, request);
  return { result: isAsAsked ? 'allow' : 'deny', holdsMs };
}

/** Whether modifiers leave a message as it is. */
function isMessage(
  { topic, qos, retain, payload }: Readonly<Record<string, unknown>>,
  request: AuthorizeRequest,
): boolean {
  return (
    (topic === undefined || topic === request.topic) &&
    (qos === undefined || qos === request.qos) &&
    (retain === undefined || retain === request.retain) &&
    payload === undefined
  );
}

/** Whether modifiers leave a subscription as it is: 128 and 135 in the place of its QoS refuse it. */
function isSubscription(
  { topics }: Readonly<Record<string, unknown>>,
  request: AuthorizeRequest,
): boolean {
  if (topics === undefined) return true;
  if (!Array.isArray(topics) || topics.length !== 1) return false;
  const [only] = topics as [unknown];
  return isRecord(only) && only['topic'] === request.topic && only['qos'] === request.qos;
}
