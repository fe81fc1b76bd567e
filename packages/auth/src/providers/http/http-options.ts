/** Whose requests and answers are spoken: those of EMQX 5, of VerneMQ's webhooks, or of mosquitto-go-auth. */
export const HTTP_FORMATS = ['emqx', 'vernemq', 'go-auth'] as const;

export type HttpFormatName = (typeof HTTP_FORMATS)[number];

/**
 * A server that is asked who clients are, and what they may do. URLs, headers and bodies may have placeholders: see `CLIENT_PLACEHOLDERS` and
 * `REQUEST_PLACEHOLDERS`.
 */
export interface HttpOptions {
  readonly format: HttpFormatName;
  /** Asked about each client that connects. */
  readonly url: string;
  /** Of the formats `emqx` and `go-auth`: with `get`, what is asked is in the query, which servers write into their logs. */
  readonly method: 'get' | 'post';
  /** How a body is written. */
  readonly encoding: 'json' | 'form';
  /** What is sent with each request. None of those that are secrets: they are shown with the configuration. */
  readonly headers: Readonly<Record<string, string>>;
  /** A file with the value of the header `Authorization`; null for none. */
  readonly authorizationFile: string | null;
  /** Of the format `emqx`: what is sent about a client, by name; null for all that is known of it. */
  readonly body: Readonly<Record<string, string>> | null;
  /** Asked about each PUBLISH and each filter of a SUBSCRIBE; null: nothing is asked about them. */
  readonly authorizeUrl: string | null;
  /** Of the format `emqx`: what is sent about it; null for all that is known of it. */
  readonly authorizeBody: Readonly<Record<string, string>> | null;
  /** How long an answer about a PUBLISH or a filter holds for the same client, in milliseconds; 0: it is asked each time. */
  readonly authorizeCache: number;
  /** Of the format `go-auth`: asked whether a user may do everything; null: nobody may. */
  readonly superuserUrl: string | null;
  /** Of the format `go-auth`: how an answer says yes. */
  readonly responseMode: 'status' | 'json' | 'text';
  /** A file of certificates in PEM to be trusted instead of the system's; null for those. */
  readonly caFile: string | null;
  /** Milliseconds for one request. */
  readonly timeout: number;
  /** Connections, and so requests at the same time. */
  readonly connectionsMax: number;
  /** Requests that wait for a connection. */
  readonly waitingMax: number;
  /** Bytes of an answer. */
  readonly answerBytesMax: number;
  /** What a refusal by status (4xx) means: no, or that the next provider is asked, as in EMQX. */
  readonly onError: 'deny' | 'pass';
}

/** What is so where a configuration says nothing else. */
export const HTTP_DEFAULTS = {
  format: 'emqx',
  method: 'post',
  encoding: 'json',
  headers: {},
  authorizationFile: null,
  body: null,
  authorizeUrl: null,
  authorizeBody: null,
  authorizeCache: 60_000,
  superuserUrl: null,
  responseMode: 'status',
  caFile: null,
  timeout: 3000,
  connectionsMax: 8,
  waitingMax: 1000,
  answerBytesMax: 65_536,
  onError: 'deny',
} as const satisfies Omit<HttpOptions, 'url'>;

/** What of a client may stand in URLs, headers and bodies; `client_attrs.*` is an attribute by its name. */
export const CLIENT_PLACEHOLDERS: readonly string[] = [
  'clientid',
  'username',
  'password',
  'peerhost',
  'cert_common_name',
  'cert_subject',
  'proto_name',
  'proto_ver',
  'protocol',
  'listener',
  'clean_start',
  'keepalive',
];

/** What of a PUBLISH or a SUBSCRIBE may. */
export const REQUEST_PLACEHOLDERS: readonly string[] = [
  'clientid',
  'username',
  'peerhost',
  'cert_common_name',
  'cert_subject',
  'proto_name',
  'proto_ver',
  'protocol',
  'listener',
  'client_attrs.*',
  'mountpoint',
  'action',
  'topic',
  'qos',
  'retain',
];
