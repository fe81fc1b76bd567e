import { randomUUID } from 'node:crypto';
import type { IConnectPacket } from 'mqtt-packet';
import type { ClientHost } from '../../host.ts';
import type { Client, ConnectPacket } from '../../types.ts';

/** What a CONNECT needs of its client. */
export interface HandshakeHost {
  readonly face: Client;
  readonly broker: ClientHost;
  readonly isOver: boolean;
  begin(): void;
  /** From here on it is known who it says it is. */
  introduce(id: string, packet: IConnectPacket): void;
  /** Refuses it unanswered. */
  turnAway(error: Error | null): void;
  /** Refuses it with a CONNACK, before it is known who it is. */
  reject(returnCode: number, why: string): void;
  /** Refuses it with a CONNACK, as it isn't who it says. */
  deny(returnCode: number, error: Error): void;
  /** Lets it in. */
  admit(packet: IConnectPacket): void;
}

const VERSIONS: readonly unknown[] = [3, 4, 5];
const NOT_AUTHORIZED = 5;

/** Asks the program whether a client may connect, in this order: `preConnect`, what is wrong with it, `authenticate`. */
export function shakeHands(host: HandshakeHost, packet: IConnectPacket): void {
  host.begin();
  const { broker, face } = host;
  const decide = once((error: Error | null | undefined, isSuccessful: unknown) => {
    if (host.isOver) return;
    if (error || !isSuccessful) return host.turnAway(error ?? null);
    examine(host, packet);
  });
  broker.preConnect(face, packet as ConnectPacket, decide);
}

function examine(host: HandshakeHost, packet: IConnectPacket): void {
  const { keepaliveLimit, maxClientsIdLength } = host.broker.limits;
  const { protocolVersion: version = 4, keepalive = 0 } = packet;
  const id = packet.clientId ?? '';
  if (!VERSIONS.includes(version)) {
    host.reject(1, 'unacceptable protocol version');
    return;
  }
  if (keepaliveLimit > 0 && (keepalive === 0 || keepalive > keepaliveLimit)) {
    host.reject(6, 'keep alive limit exceeded');
    return;
  }
  const isTooLong = version === 3 && id.length > maxClientsIdLength;
  // [MQTT-3.1.3-8]; MQTT 5 lets the broker choose in any case.
  const isLacking = id === '' && (version === 3 || (version === 4 && packet.clean === false));
  if (isTooLong || isLacking) {
    host.reject(2, 'identifier rejected');
    return;
  }
  host.introduce(id === '' ? `aedes_${randomUUID()}` : id, packet);
  authenticate(host, packet);
}

function authenticate(host: HandshakeHost, packet: IConnectPacket): void {
  const { broker, face } = host;
  const decide = once(
    (error: (Error & { returnCode?: number }) | null | undefined, isSuccessful: unknown) => {
      if (host.isOver) return;
      if (!error && isSuccessful) return host.admit(packet);
      const given = error?.returnCode ?? NOT_AUTHORIZED;
      const returnCode = given >= 2 && given <= 5 ? given : NOT_AUTHORIZED;
      host.deny(returnCode, error ?? new Error('not authorized'));
    },
  );
  broker.authenticate(face, packet.username, packet.password as Buffer | undefined, decide);
}

/** A handler that calls back twice is heard once. */
function once<A, B>(work: (first: A, second: B) => void): (first: A, second: B) => void {
  let isDone = false;
  return (first, second) => {
    if (isDone) return;
    isDone = true;
    work(first, second);
  };
}
