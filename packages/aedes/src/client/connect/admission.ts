import type { IConnackPacket, IConnectPacket } from 'mqtt-packet';
import type { ClientHost, HostedClient } from '../../host.ts';
import { connackOf, connackShown } from '../../packets/connack.ts';
import { encodePacket } from '../../packets/encode.ts';
import { decode, type Frame } from '../../packets/frames.ts';
import type { Face } from '../face.ts';
import { type HandshakeHost, shakeHands } from './handshake.ts';

/** What the admission of a client needs of it. */
export interface AdmissionHost {
  readonly face: Face;
  readonly broker: ClientHost;
  readonly version: number;
  readonly isOver: boolean;
  /** Whether its CONNECT was wrong, of which the program knows. */
  readonly isWrong: boolean;
  /** It is known who it says it is. */
  onIntroduced(packet: IConnectPacket): void;
  /** Asks for the subscriptions of its session. */
  restoreSubscriptions(done: () => void): void;
  /** It is let in: the broker within gets it, before it gets the CONNECT. */
  onAdmitted(packet: IConnectPacket): void;
  /** The broker within has let it in, too: it is in the list of clients, and has no CONNACK yet. */
  onRegistered(packet: IConnackPacket): void;
  /** It has its CONNACK. */
  onConnackSent(): void;
  /** What waited for it has been sent. */
  onReady(): void;
  pass(bytes: Buffer): void;
  send(bytes: Buffer): void;
  fail(error: Error, reasonCode: number): void;
  end(reasonCode: number, then?: () => void): void;
}

/** Lets a client in or turns it away: from its CONNECT to the CONNACK, and until it is ready. */
export class Admission implements HandshakeHost {
  readonly #host: AdmissionHost;
  #isIdAssigned: boolean;
  #isRegistered: boolean;

  constructor(host: AdmissionHost) {
    this.#host = host;
    this.#isIdAssigned = false;
    this.#isRegistered = false;
  }

  get face(): Face {
    return this.#host.face;
  }

  get broker(): ClientHost {
    return this.#host.broker;
  }

  get isOver(): boolean {
    return this.#host.isOver;
  }

  /** Whether it is in the list of clients. */
  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  onConnect(packet: IConnectPacket): void {
    shakeHands(this, packet);
  }

  begin(): void {
    this.face.connecting = true;
  }

  introduce(id: string, packet: IConnectPacket): void {
    this.face.id = id;
    this.face.clean = packet.clean !== false;
    this.face.version = packet.protocolVersion ?? 4;
    this.#isIdAssigned = packet.clientId === undefined || packet.clientId === '';
    this.#host.onIntroduced(packet);
  }

  turnAway(error: Error | null): void {
    this.face.connecting = false;
    if (error !== null) this.#host.fail(error, 0);
    else this.#host.end(0);
  }

  reject(returnCode: number, why: string): void {
    this.#sendConnack(returnCode);
    this.#host.fail(Object.assign(new Error(why), { errorCode: returnCode }), 0);
  }

  deny(returnCode: number, error: Error): void {
    this.#sendConnack(returnCode);
    this.face.connecting = false;
    this.#host.end(0, () => {
      this.broker.emit('clientError', this.face, Object.assign(error, { errorCode: returnCode }));
    });
  }

  #sendConnack(returnCode: number): void {
    const { bytes, packet } = connackOf(returnCode, this.#host.version || 4);
    this.#host.send(bytes);
    this.broker.emit('connackSent', packet, this.face);
  }

  admit(packet: IConnectPacket): void {
    const other = this.broker.clientOf(this.face.id as string);
    const proceed = () => {
      void this.broker
        .whenStarted()
        .then(() => this.#continue(packet))
        .catch((error: Error) => this.reject(3, error.message));
    };
    if (other === null) proceed();
    else {
      other.end(0x8e);
      other.close(proceed);
    }
  }

  #continue(packet: IConnectPacket): void {
    if (this.isOver) return;
    if (packet.clean !== false) this.#open(packet);
    else this.#host.restoreSubscriptions(() => this.#open(packet));
  }

  #open(packet: IConnectPacket): void {
    this.#host.onAdmitted(packet);
    const { properties } = packet;
    // Will and keep alive are kept here.
    const inner = { ...packet, clientId: this.face.id as string, keepalive: 0 };
    delete inner.will;
    if (properties !== undefined) {
      // Aliases are a matter of one connection; what the program may change goes without them.
      const { topicAliasMaximum: _, ...others } = properties;
      inner.properties = others;
    }
    this.#host.pass(encodePacket(inner, this.#host.version));
  }

  onConnack(frame: Frame): void {
    const host = this.#host;
    const packet = decode(frame, host.version) as IConnackPacket;
    const returnCode = packet.returnCode ?? packet.reasonCode ?? 0;
    if (returnCode !== 0) {
      this.#onRefused(frame, packet, returnCode);
      return;
    }
    this.#isRegistered = true;
    this.broker.register(this.face as HostedClient);
    if (this.isOver) return;
    host.onRegistered(packet);
    if (this.#isIdAssigned && host.version === 5) {
      const { properties, ...others } = packet;
      const assigned = { ...properties, assignedClientIdentifier: this.face.id };
      host.send(encodePacket({ ...others, properties: assigned }, 5)); // [MQTT-3.2.2-16]
    } else {
      host.send(frame.bytes);
    }
    this.broker.emit('connackSent', connackShown(packet, 0), this.face);
    host.onConnackSent();
    // What waited for the session has been sent in the same turn.
    setImmediate(() => this.#onReady());
  }

  #onRefused(frame: Frame, packet: IConnackPacket, returnCode: number): void {
    const host = this.#host;
    host.send(frame.bytes);
    this.broker.emit('connackSent', connackShown(packet, returnCode), this.face);
    if (host.isWrong) {
      host.end(0);
      return;
    }
    this.forgetWho();
    host.fail(new Error(`connection refused: ${returnCode}`), 0);
  }

  #onReady(): void {
    if (this.isOver) return;
    this.face.connecting = false;
    this.face.connected = true;
    this.face.emit('connected');
    this.broker.emit('clientReady', this.face);
    this.#host.onReady();
  }

  /** It isn't said who it is that couldn't connect. */
  forgetWho(): void {
    this.face.id = null;
    this.face.version = null;
  }
}
