import type { Authorization, AuthorizeRequest } from '../../authorization.ts';
import type { Credentials } from '../../credentials.ts';
import type { ProviderAnswer } from '../../provider.ts';
import type { HttpAnswer } from '../web/http-client.ts';
import type { Endpoint } from './endpoint.ts';
import type { HttpOptions } from './http-options.ts';

/** How a server is asked, and what its answers mean. What can't be understood is thrown. */
export interface HttpFormat {
  authenticate(credentials: Credentials, signal: AbortSignal): Promise<ProviderAnswer>;
  /** Undefined where nobody is asked what clients may do. */
  readonly authorize?: (request: AuthorizeRequest, signal: AbortSignal) => Promise<Authorization>;
}

/** What a format is made of. */
export interface HttpParts {
  readonly options: HttpOptions;
  /** For `url`. */
  readonly clients: Endpoint;
  /** For `authorize-url`; null without one. */
  readonly actions: Endpoint | null;
  /** For `superuser-url`; null without one. */
  readonly superusers: Endpoint | null;
}

/** A server has answered that it can't say anything now. */
export class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError';
}

/**
 * What a status means that is no success: 4xx is no, or nothing where EMQX's way was chosen (`on-error: pass`).
 *
 * @throws {HttpStatusError} for all others: the server is broken, or isn't the one that was meant
 */
export function refusalOf({ status }: HttpAnswer, { onError }: HttpOptions): 'deny' | 'pass' {
  if (status >= 400 && status < 500) return onError;
  throw new HttpStatusError(`it answered with status ${status}`);
}
