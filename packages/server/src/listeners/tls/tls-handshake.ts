import { TLSSocket } from 'node:tls';
import type { Arrival } from '../arrival.ts';
import type { TlsProfile } from '../profile.ts';
import { ServerIdentities } from './server-identities.ts';
import type { TlsFiles } from './tls-files.ts';
import { certificateFailure, handshakeFailure } from './tls-reasons.ts';

/** What Node's own TLS server uses of a socket, and has no public name for. */
interface ServerTlsSocket {
  _releaseControl(): boolean;
  readonly _handle: {
    /** Null when the certificate is good, or none was asked for. */
    verifyError(): (Error & { code?: string }) | null;
    /** Has OpenSSL take bytes as if the peer had sent them. */
    receive(bytes: Buffer): void;
  } | null;
}

/** A record that can't be, at any place of a connection. */
const IMPOSSIBLE_RECORD = Buffer.from('16030300020202', 'hex');

/**
 * The TLS side of listeners. Handshakes are done here and not by `tls.createServer`: that hides a socket until its
 * handshake is over, so that nobody could end one that doesn't continue, or say whose it was.
 */
export class TlsHandshakes {
  #profile: TlsProfile;
  #identities: ServerIdentities;

  constructor(files: TlsFiles) {
    this.#profile = files.profile;
    this.#identities = new ServerIdentities(files);
  }

  /** New connections use other certificates. */
  setFiles(files: TlsFiles): void {
    this.#profile = files.profile;
    this.#identities = new ServerIdentities(files);
  }

  /** @param onSecure - called once the handshake is over and the client's certificate is accepted */
  begin(arrival: Arrival, onSecure: (socket: TLSSocket) => void): void {
    const profile = this.#profile;
    const { clientCertificates, section } = profile;
    arrival.enter('tls');
    const socket = new TLSSocket(arrival.socket, {
      isServer: true,
      ...this.#identities.options,
      requestCert: clientCertificates !== 'none',
      rejectUnauthorized: clientCertificates === 'require',
    });
    // Before the handshake is over, errors are reported by '_tlsError' only; a socket that had one is of no use.
    socket.on('_tlsError', (error: Error) => onFailed(error));
    socket.on('error', () => socket.destroy());
    socket.on('secure', () => {
      if (arrival.isUnderWay) verify(arrival, socket, profile, onSecure);
    });

    function onFailed(error: Error): void {
      arrival.refuse('tls', handshakeFailure(error, section));
    }
  }
}

/** The handshake is over: hands the socket on, or refuses the client's certificate. */
function verify(
  arrival: Arrival,
  socket: TLSSocket,
  { clientCertificates, section }: TlsProfile,
  onSecure: (socket: TLSSocket) => void,
): void {
  const internals = socket as unknown as ServerTlsSocket;
  const error = clientCertificates === 'none' ? null : (internals._handle?.verifyError() ?? null);
  internals._releaseControl();
  if (error !== null && clientCertificates === 'require') {
    const subject = socket.getPeerCertificate().subject?.CN as unknown;
    const name = typeof subject === 'string' ? JSON.stringify(subject) : null;
    arrival.report('tls', certificateFailure(error.code ?? error.message, name, section));
    sendAlert(socket);
    return;
  }
  socket.authorized = clientCertificates !== 'none' && error === null;
  onSecure(socket);
}

/**
 * Ends a connection with an alert. Node accepts every certificate in the handshake, verifies afterwards, and has no
 * call that sends an alert: without one the client sees the connection end, and tries again for ever. OpenSSL sends one
 * when it gets what can't be; the text of it is not ours to choose, and the log has the reason.
 */
function sendAlert(socket: TLSSocket): void {
  for (const event of ['_tlsError', 'error']) socket.removeAllListeners(event).on(event, () => {});
  // In turns of their own: we are called by OpenSSL, whose last message of the handshake is not on its way yet.
  setImmediate(() => {
    (socket as unknown as ServerTlsSocket)._handle?.receive(IMPOSSIBLE_RECORD);
    setImmediate(() => socket.destroy());
  });
}
