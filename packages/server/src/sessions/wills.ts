import { ReasonCode } from '@promptmq/codec';
import { denialOf } from '../tracing/client-events.ts';
import type { SessionsHost } from './host.ts';
import type { PendingWill } from './pending-will.ts';
import { expiryTime } from './recipient-terms.ts';
import type { SessionEntry } from './session-entry.ts';

/** When the wills of clients that are gone are published (§3.1.2.5, §3.1.3.2.2). */
export class Wills {
  readonly #host: SessionsHost;

  constructor(host: SessionsHost) {
    this.#host = host;
  }

  /** @param at - when the will is due, in milliseconds of the broker's time */
  schedule(entry: SessionEntry, at: number): void {
    entry.willDueAt = at;
    this.#host.deadlines.schedule(entry.willDue, at);
  }

  cancel(entry: SessionEntry): void {
    entry.willDueAt = Number.POSITIVE_INFINITY;
    this.#host.deadlines.cancel(entry.willDue);
  }

  /** Publishes the will of a session, if it has one: now, or when there is room to store it. */
  publish(entry: SessionEntry): void {
    const { router, runtime, config, journal } = this.#host;
    const { will, number } = entry;
    this.cancel(entry);
    if (will === null) return;
    if (!this.#mayPublish(entry, will)) {
      entry.will = null;
      // One that has ended meanwhile has nothing to be written any more.
      if (journal.hasSession(number)) journal.writeSession(entry);
      return;
    }
    const expiresAt = expiryTime(
      will.messageExpiryInterval,
      config.mqtt.maxMessageExpiry,
      runtime.now(),
    );
    const { reasonCode, position } = router.publishMessage(
      router.stampedWill({ ...will.message, expiresAt }, entry.owner),
      number > 0 ? { kind: 'will', session: number } : null,
    );
    if (reasonCode === ReasonCode.QuotaExceeded) {
      this.#publishLater(entry);
      return;
    }
    entry.will = null; // [MQTT-3.1.2-10]
    if (position < 0) return;
    journal.whenCommitted({
      position,
      onCommitted: () => {},
      onRefused: () => {
        if (entry.will !== null || entry.session.isConnected) return;
        entry.will = will;
        this.#publishLater(entry);
      },
    });
  }

  /** The rules may have changed since CONNECT. What is known of the client is what its connection had, after a restart its names. */
  #mayPublish({ session, owner, rights }: SessionEntry, { message }: PendingWill): boolean {
    const { access, clientEvents } = this.#host;
    const { clientId } = session;
    const { topic, qos, retain } = message;
    const names = { identity: { clientId, userName: owner }, own: null, limits: null };
    const permissions = access.permissionsOf(rights ?? names);
    const decided = permissions?.decide('publish', topic, qos, retain);
    if (decided?.isAllowed !== false) return true;
    clientEvents.willRefused(clientId, owner, topic, denialOf(decided));
    return false;
  }

  /** The will had no room on the disk. */
  #publishLater(entry: SessionEntry): void {
    const { will } = entry;
    this.#host.journal.whenRoom(() => {
      if (entry.will === will && !entry.session.isConnected) this.publish(entry);
    });
  }
}
