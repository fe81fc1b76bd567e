import type { Admitted, Authorization } from '@promptmq/auth';
import { ReasonCode } from '@promptmq/codec';
import type { Access } from '../../access/index.ts';
import type { Peer } from '../../connection/peer.ts';
import type { HookAnswer, HookClient, Hooks } from '../../hooks/hooks.ts';
import { hostOfAddress } from '../../security/host-address.ts';
import type { ProtocolHost } from '../host.ts';

/** Answers that are remembered of one client, of about 100 bytes each: more topics than devices use. Beyond them, all are forgotten. */
const REMEMBERED_MAX = 1000;
/** Characters of the longest topic of which one is; longer ones are asked about each time. */
const REMEMBERED_LENGTH_MAX = 1024;

const REFUSED: HookAnswer = {
  allow: false,
  reasonCode: ReasonCode.NotAuthorized,
  reasonString: 'who decides on it does not allow it',
};

interface Remembered {
  readonly isAllowed: boolean;
  /** In the runtime's time. */
  readonly until: number;
}

/** Asks the providers of the chain what one client may do, and remembers their answers as long as they hold. */
export class ActionGuard {
  readonly #host: ProtocolHost;
  readonly #connection: Peer;
  /** By topic, for each kind of action. */
  readonly #remembered: Map<string, Remembered>[];
  #rememberedCount: number;
  /** Whose answers they are, and about whom. */
  #access: Access;
  #admission: Admitted;

  constructor(host: ProtocolHost, connection: Peer) {
    this.#host = host;
    this.#connection = connection;
    this.#remembered = Array.from({ length: 12 }, () => new Map());
    this.#rememberedCount = 0;
    this.#access = host.access;
    this.#admission = connection.admission;
  }

  /** Hooks that ask the providers first, and then what others ask. */
  before(hooks: Hooks): Hooks {
    const { authorizePublish, authorizeSubscribe } = hooks;
    return {
      ...hooks,
      authorizePublish: (client, message, signal) =>
        then(
          this.#may(client, 'publish', message.topic, message.qos, message.retain, signal),
          () => authorizePublish?.(client, message, signal) ?? true,
        ),
      authorizeSubscribe: (client, subscription, signal) =>
        then(
          this.#may(client, 'subscribe', subscription.topicFilter, subscription.qos, false, signal),
          () => authorizeSubscribe?.(client, subscription, signal) ?? true,
        ),
    };
  }

  #may(
    { clientId, userName, remoteAddress, protocol, version }: HookClient,
    action: 'publish' | 'subscribe',
    topic: string,
    qos: 0 | 1 | 2,
    retain: boolean,
    signal: AbortSignal,
  ): boolean | Promise<boolean> {
    const { access } = this.#host;
    const { admission, transport } = this.#connection;
    if (admission.isSuperuser) return true;
    if (access !== this.#access || admission !== this.#admission) {
      this.#access = access;
      this.#admission = admission;
      this.#forget();
    }
    const kind = (action === 'publish' ? 6 : 0) + qos * 2 + (retain ? 1 : 0);
    const remembered = this.#remembered[kind]?.get(topic);
    if (remembered !== undefined && remembered.until > this.#host.runtime.now()) {
      return remembered.isAllowed;
    }
    const said = access.authorize(
      {
        clientId,
        userName,
        address: hostOfAddress(remoteAddress),
        protocol,
        version,
        listener: transport.listener?.name ?? '',
        certificate: transport.certificate ?? null,
        attributes: admission.attributes,
        action,
        topic,
        qos,
        retain,
      },
      signal,
    );
    return said instanceof Promise
      ? said.then((answer) => this.#remember(access, kind, topic, answer))
      : this.#remember(access, kind, topic, said);
  }

  #remember(
    access: Access,
    kind: number,
    topic: string,
    { result, holdsMs }: Authorization,
  ): boolean {
    const isAllowed = result === 'allow';
    if (!(holdsMs > 0) || access !== this.#access) return isAllowed;
    if (topic.length > REMEMBERED_LENGTH_MAX) return isAllowed;
    if (this.#rememberedCount >= REMEMBERED_MAX) this.#forget();
    const topics = this.#remembered[kind] as Map<string, Remembered>;
    if (!topics.has(topic)) this.#rememberedCount++;
    topics.set(topic, { isAllowed, until: this.#host.runtime.now() + holdsMs });
    return isAllowed;
  }

  #forget(): void {
    for (const topics of this.#remembered) topics.clear();
    this.#rememberedCount = 0;
  }
}

/** Whoever is asked next is asked only where the providers allow it. */
function then(
  allowed: boolean | Promise<boolean>,
  next: () => HookAnswer | Promise<HookAnswer>,
): HookAnswer | Promise<HookAnswer> {
  if (allowed === true) return next();
  if (allowed === false) return REFUSED;
  return allowed.then((isAllowed) => (isAllowed ? next() : REFUSED));
}
