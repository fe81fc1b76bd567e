import { randomBytes, timingSafeEqual } from 'node:crypto';
import { ReasonCode } from '@promptmq/codec';
import type {
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
} from '../../authentication-method.ts';
import type { Credentials } from '../../credentials.ts';
import type { GuessWatch } from '../../passwords/guess-throttle.ts';
import type { Provider } from '../../provider.ts';
import { prepared } from './prepared.ts';
import { hashOf, hmacOf, SCRAM_METHODS, type ScramMethod, xor } from './scram-hash.ts';
import {
  type ClientFirst,
  parseClientFinal,
  parseClientFirst,
  ScramMessageError,
} from './scram-messages.ts';
import type { ScramSecret } from './scram-secret.ts';
import type { ScramUsers } from './scram-users.ts';

export interface ScramOptions {
  readonly users: ScramUsers;
  /** Those that are offered; by default both. */
  readonly methods?: readonly ScramMethod[];
  /** Where guesses are counted: who has to wait is refused. */
  readonly guesses?: GuessWatch;
  /** Text of the server's part of a nonce: printable ASCII without commas, different each time. By default 24 random letters. */
  readonly makeNonce?: () => string;
}

/**
 * SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677) as methods of enhanced authentication (§4.12): the password is never sent, nor does
 * the broker have it. Clients that name no such method are left to the next provider.
 */
export function createScramProvider(options: ScramOptions): Provider {
  const { users, methods = SCRAM_METHODS, makeNonce = newNonce, guesses = null } = options;
  const make = (method: ScramMethod) =>
    new ScramAuthentication(method, { users, makeNonce, guesses });
  return {
    name: 'scram',
    methods: methods.map(make),
    mayStay(userName: string | null, ticket: unknown): boolean {
      const { method, storedKey } = ticket as ScramSecret;
      const secret = userName === null ? null : users.find(userName, method);
      return secret?.storedKey.equals(storedKey) === true;
    },
  };
}

/** What exchanges have in common. */
interface ScramTools {
  readonly users: ScramUsers;
  readonly makeNonce: () => string;
  readonly guesses: GuessWatch | null;
}

class ScramAuthentication implements AuthenticationMethod {
  readonly name: ScramMethod;
  readonly #tools: ScramTools;

  constructor(method: ScramMethod, tools: ScramTools) {
    this.name = method;
    this.#tools = tools;
  }

  begin(_clientId: string, { address }: Pick<Credentials, 'address'>): AuthenticationExchange {
    return new ScramExchange(this.name, this.#tools, address);
  }
}

/** What an exchange remembers between the client's two messages. */
interface Challenge {
  readonly first: ClientFirst;
  readonly userName: string;
  /** Null where there is no such user. */
  readonly secret: ScramSecret | null;
  readonly nonce: string;
  /** As it went to the client. */
  readonly serverFirst: string;
  /** What the proof is checked against. */
  readonly compared: ScramSecret;
}

/** One exchange: two messages of the client, two of the server. */
class ScramExchange implements AuthenticationExchange {
  readonly #method: ScramMethod;
  readonly #tools: ScramTools;
  readonly #address: string;
  #challenge: Challenge | null;

  constructor(method: ScramMethod, tools: ScramTools, address: string) {
    this.#method = method;
    this.#tools = tools;
    this.#address = address;
    this.#challenge = null;
  }

  next(data: Uint8Array): AuthenticationStep {
    try {
      return this.#challenge === null ? this.#begin(data) : this.#end(data, this.#challenge);
    } catch (error) {
      if (!(error instanceof ScramMessageError)) throw error;
      return { result: 'refuse', reasonCode: ReasonCode.NotAuthorized, why: error.message };
    }
  }

  #begin(data: Uint8Array): AuthenticationStep {
    const first = parseClientFirst(data);
    const userName = prepared(first.userName);
    if (userName === null || userName === '') {
      throw new ScramMessageError('its user name has characters that SCRAM does not allow');
    }
    if (first.authorizationId !== '' && prepared(first.authorizationId) !== userName) {
      throw new ScramMessageError('nobody may act as somebody else');
    }
    if (this.#hasToWait(userName)) return THROTTLED;
    const { users, makeNonce } = this.#tools;
    const secret = users.find(userName, this.#method);
    // A user that isn't there is answered like one that is: it is found out at the end that the proof is wrong.
    const compared = secret ?? users.fake(userName, this.#method);
    const nonce = `${first.nonce}${makeNonce()}`;
    const salt = compared.salt.toString('base64');
    const serverFirst = `r=${nonce},s=${salt},i=${compared.iterations}`;
    this.#challenge = { first, userName, secret, nonce, serverFirst, compared };
    return { result: 'continue', data: Buffer.from(serverFirst) };
  }

  #end(data: Uint8Array, challenge: Challenge): AuthenticationStep {
    const { first, userName, secret, nonce, serverFirst, compared } = challenge;
    const final = parseClientFinal(data);
    if (final.channelBinding !== first.gs2Header) {
      throw new ScramMessageError('its channel binding is not that of its first message');
    }
    if (final.nonce !== nonce) throw new ScramMessageError('its nonce is another');
    // Again: many exchanges may have begun before the first one was wrong.
    if (this.#hasToWait(userName)) return THROTTLED;
    const message = `${first.bare},${serverFirst},${final.withoutProof}`;
    const { guesses } = this.#tools;
    const isRight = this.#proves(final.proof, message, compared);
    if (!isRight || secret === null) {
      guesses?.wrong(this.#address, userName);
      return WRONG;
    }
    guesses?.right(this.#address, userName);
    const verifier = hmacOf(this.#method, secret.serverKey, message).toString('base64');
    return { result: 'success', data: Buffer.from(`v=${verifier}`), userName, ticket: secret };
  }

  #proves(proof: Buffer, message: string, { storedKey }: ScramSecret): boolean {
    const method = this.#method;
    const signature = hmacOf(method, storedKey, message);
    if (proof.length !== signature.length) return false;
    return timingSafeEqual(hashOf(method, xor(proof, signature)), storedKey);
  }

  #hasToWait(userName: string): boolean {
    return this.#tools.guesses?.ask(this.#address, userName).result === 'refuse';
  }
}

const THROTTLED: AuthenticationStep = {
  result: 'refuse',
  reasonCode: ReasonCode.QuotaExceeded,
  why: 'too many wrong passwords',
};

const WRONG: AuthenticationStep = {
  result: 'refuse',
  reasonCode: ReasonCode.BadUserNameOrPassword,
  why: 'wrong user name or password',
};

function newNonce(): string {
  return randomBytes(18).toString('base64');
}
