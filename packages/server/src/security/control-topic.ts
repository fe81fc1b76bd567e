import type { Peer } from '../connection/peer.ts';
import type { LiveAnswer } from './asking.ts';
import type { ControlTopicHost } from './host.ts';

/** Where requests are published, as mosquitto has it. */
export const CONTROL_TOPIC = '$CONTROL/dynamic-security/v1';
/** Where the answer comes, to the client that asked and nobody else. */
export const RESPONSE_TOPIC = `${CONTROL_TOPIC}/response`;

/**
 * Takes what clients publish to `$CONTROL/dynamic-security/v1`, which isn't routed to anyone. A client isn't read from until its request has
 * been answered, so each has one at a time.
 */
export class ControlTopic {
  readonly topic = CONTROL_TOPIC;
  readonly #host: ControlTopicHost;

  constructor(host: ControlTopicHost) {
    this.#host = host;
  }

  /**
   * @param publisher - who may publish there
   * @param payload - this one's from now on
   */
  take(publisher: Peer, payload: Uint8Array): void {
    const { clientId, userName } = publisher;
    const { liveUsers, faults, log } = this.#host;
    publisher.suspend();
    liveUsers.ask(payload, { clientId, userName, connection: publisher }).then(
      (answer) => faults.contain(publisher, 'committing', () => this.#answer(publisher, answer)),
      (error: unknown) => {
        log.error('dynamic-security-failed', { error: String(error) });
        faults.contain(publisher, 'committing', () => {
          if (!publisher.isEnding) publisher.resume();
        });
      },
    );
  }

  #answer(publisher: Peer, { response, affected }: LiveAnswer): void {
    const { userName, session } = publisher;
    if (publisher.isEnding || session === null) return;
    this.#host.respond(publisher, RESPONSE_TOPIC, Buffer.from(response));
    // Who has taken a right from himself gets to know that it is done.
    if (affected === null || affected.has(userName)) this.#host.applyAccess(publisher);
    if (!publisher.isEnding) publisher.resume();
  }
}
