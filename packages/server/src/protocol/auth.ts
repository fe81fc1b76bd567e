import {
  type AuthenticationExchange,
  type AuthenticationMethod,
  type AuthenticationStep,
  type Credentials,
  type RefusalReason,
  refused,
} from '@promptmq/auth';
import {
  type AuthPacket,
  PacketError,
  ReasonCode,
  SERVER_DISCONNECT_REASON_CODES,
} from '@promptmq/codec';
import type { OfferedMethod } from '../access/index.ts';
import type { Peer, PeerAuthentication } from '../connection/peer.ts';
import { admittedByMethod, applyRules, listenerOf, takeAdmission } from './connect/admission.ts';
import { methodOf } from './connect/refusals.ts';
import type { ProtocolHost } from './host.ts';

const EMPTY = new Uint8Array(0);

/**
 * The enhanced authentication of one connection, from its CONNECT to its end.
 *
 * Invariant: `#exchange` is set while an exchange is under way, and `#isAnswering` while the method, not
 * the client, has the next word.
 */
export class Authentication implements PeerAuthentication {
  readonly #host: ProtocolHost;
  readonly #connection: Peer;
  #method: AuthenticationMethod;
  /** Who brings the method. */
  readonly #provider: string;
  readonly #credentials: Credentials;
  readonly #onAdmitted: (data: Uint8Array) => void;
  #exchange: AuthenticationExchange | null;
  #isAnswering: boolean;
  #isAdmitted: boolean;

  /**
   * @param credentials - without a password
   * @param onAdmitted - called once, when the exchange that CONNECT began has succeeded
   */
  constructor(
    host: ProtocolHost,
    connection: Peer,
    { method, provider }: OfferedMethod,
    credentials: Credentials,
    onAdmitted: (data: Uint8Array) => void,
  ) {
    this.#host = host;
    this.#connection = connection;
    this.#method = method;
    this.#provider = provider;
    this.#credentials = credentials;
    this.#onAdmitted = onAdmitted;
    this.#exchange = null;
    this.#isAnswering = false;
    this.#isAdmitted = false;
  }

  get methodName(): string {
    return this.#method.name;
  }

  /** CONNECT or re-authentication: begins an exchange. */
  begin(data: Uint8Array = EMPTY): void {
    this.#exchange = this.#method.begin(this.#credentials.clientId, this.#credentials);
    this.#step(data);
  }

  /** AUTH from the client (§3.15); throws where it doesn't belong. */
  onAuth({ reasonCode, properties }: AuthPacket): void {
    if (properties?.authenticationMethod !== this.#method.name) {
      throw protocolError('MQTT-4.12.1-1', 'AUTH with another method than CONNECT');
    }
    const data = properties.authenticationData ?? EMPTY;
    if (reasonCode === ReasonCode.Reauthenticate) {
      if (!this.#isAdmitted || this.#exchange !== null) {
        throw protocolError('§4.12.1', 're-authentication before authentication has ended');
      }
      // A reload may have put another provider in its place.
      const offered = methodOf(this.#host, this.#connection, this.#method.name);
      this.#method = offered?.method ?? this.#method;
      this.begin(data);
    } else if (reasonCode === ReasonCode.ContinueAuthentication) {
      if (this.#exchange === null || this.#isAnswering) {
        throw protocolError('MQTT-4.12.0-3', 'AUTH that nothing had asked for');
      }
      if (!this.#isAdmitted) this.#connection.connectNumber = this.#host.sessions.numberConnect();
      this.#step(data);
    } else {
      throw protocolError('MQTT-3.15.2-1', 'AUTH with Success from a client');
    }
  }

  #step(data: Uint8Array): void {
    const exchange = this.#exchange as AuthenticationExchange;
    this.#isAnswering = true;
    let answer: AuthenticationStep | Promise<AuthenticationStep>;
    try {
      answer = exchange.next(data);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (answer instanceof Promise) {
      const connection = this.#connection;
      const { faults } = this.#host;
      answer.then(
        (step) => faults.contain(connection, 'authenticating', () => this.#take(step)),
        (error: unknown) => faults.contain(connection, 'authenticating', () => this.#fail(error)),
      );
    } else {
      this.#take(answer);
    }
  }

  #take(step: AuthenticationStep): void {
    const connection = this.#connection;
    this.#isAnswering = false;
    if (connection.isEnding) return;
    if (step.result === 'refuse') {
      const { reasonCode = ReasonCode.NotAuthorized, why = 'authentication failed' } = step;
      this.#refuse('denied', reasonCode, why);
    } else if (step.result === 'continue') {
      this.#send(ReasonCode.ContinueAuthentication, step.data);
    } else {
      this.#exchange = null;
      this.#succeed(step);
    }
  }

  #succeed(step: AuthenticationStep & { readonly result: 'success' }): void {
    const host = this.#host;
    const connection = this.#connection;
    const admission = admittedByMethod(connection, this.#provider, step);
    const isOther = this.#isAdmitted && admission.userName !== connection.userName;
    if (isOther) {
      this.#refuse('denied', ReasonCode.NotAuthorized, 're-authentication as another user');
    } else if (admission.expiresAt <= host.runtime.wallNow()) {
      this.#refuse('expired', ReasonCode.NotAuthorized, 'what it showed has expired');
    } else if (!host.access.mayStay(admission, listenerOf(connection))) {
      // A reload may have taken the user away since the exchange began.
      this.#refuse(
        'revoked',
        ReasonCode.NotAuthorized,
        'the user was removed or changed meanwhile',
      );
    } else if (this.#isAdmitted) {
      takeAdmission(host, connection, admission);
      applyRules(host, connection);
      this.#send(ReasonCode.Success, step.data);
    } else {
      this.#isAdmitted = true;
      takeAdmission(host, connection, admission);
      this.#onAdmitted(step.data ?? EMPTY);
    }
  }

  #send(reasonCode: number, data: Uint8Array | undefined): void {
    const isSent = this.#connection.sender.send({
      cmd: 'auth',
      reasonCode,
      properties: {
        authenticationMethod: this.#method.name, // [MQTT-4.12.0-5]
        ...(data === undefined || data.length === 0 ? {} : { authenticationData: data }),
      },
    });
    if (!isSent) this.#refuse('error', ReasonCode.PacketTooLarge, 'no room for AUTH');
  }

  /** [MQTT-4.12.0-4] [MQTT-4.12.1-2] */
  #refuse(reason: RefusalReason, reasonCode: number, why: string): void {
    const connection = this.#connection;
    const { clientId } = this.#credentials;
    const refusal = refused(this.#provider, reason, reasonCode, why, why);
    this.#host.clientEvents.loginRefused(connection, clientId, refusal);
    if (!this.#isAdmitted) {
      connection.rejectConnect(reasonCode, why);
      return;
    }
    // DISCONNECT has fewer than CONNACK: none for a wrong password, say (§3.14.2.1).
    const has = SERVER_DISCONNECT_REASON_CODES.includes(reasonCode);
    connection.disconnect(has ? reasonCode : ReasonCode.NotAuthorized, 'authentication', why);
  }

  /** The method itself went wrong: the client is refused, and gets no details. */
  #fail(error: unknown): void {
    const connection = this.#connection;
    this.#isAnswering = false;
    this.#host.clientLog.error('authentication-method-failed', {
      method: this.#method.name,
      error: String(error),
    });
    if (connection.isEnding) return;
    this.#refuse('error', ReasonCode.UnspecifiedError, 'authentication failed');
  }
}

function protocolError(rule: string, why: string): PacketError {
  return new PacketError(ReasonCode.ProtocolError, rule, 0, why);
}
