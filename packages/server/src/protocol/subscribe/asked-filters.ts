import type { Subscription } from '@promptmq/topics';
import type { Peer } from '../../connection/peer.ts';
import type { Refusal, Verdict } from '../../hooks/answers.ts';
import type { ClientHooks } from '../../hooks/client-hooks.ts';
import type { HookSubscription } from '../../hooks/hooks.ts';
import type { SessionEntry } from '../../sessions/session-entry.ts';
import type { ProtocolHost } from '../host.ts';
import { revokeSubscriptions } from './revoked-subscriptions.ts';

/** The filters of one SUBSCRIBE, as a hook is asked for them. */
export class AskedFilters {
  /** Why the first that was refused was; empty while none was. */
  why: string;
  /** Why the last that was asked for was refused; empty when it wasn't. */
  whyRefused: string;
  readonly #hooks: ClientHooks;

  constructor(hooks: ClientHooks) {
    this.#hooks = hooks;
    this.why = '';
    this.whyRefused = '';
  }

  /** Asks for one; stops where the answer is awaited. */
  *ask(subscription: Subscription): Generator<void, Verdict> {
    let verdict = null as Verdict | null;
    this.#hooks.authorizeSubscribe(shownTo(subscription, false), (answer) => {
      verdict = answer;
    });
    if (verdict === null) yield;
    const { isAllowed } = verdict as unknown as Verdict;
    this.whyRefused = isAllowed ? '' : (verdict as unknown as Refusal).why;
    this.why ||= this.whyRefused;
    return verdict as unknown as Verdict;
  }
}

/** Null when nobody is asked. */
export function askedFilters({ hooks }: Peer): AskedFilters | null {
  return hooks?.asksSubscribe === true ? new AskedFilters(hooks) : null;
}

export function whyOf(asked: AskedFilters | null): string {
  return asked === null ? '' : asked.why;
}

export function whyRefused(asked: AskedFilters | null): string {
  return asked === null ? '' : asked.whyRefused;
}

/**
 * Asks for all subscriptions that a session has, one after the other, those included that it gets meanwhile.
 *
 * @param entry - the session, as it is whenever it is asked for; null when there is none
 * @param onAsked - gets the topic filters that are refused
 * @param onFailed - called in its place where the hook fails: that takes nothing away
 */
export function askForSession(
  hooks: ClientHooks,
  entry: () => SessionEntry | null,
  onAsked: (refused: ReadonlySet<string>) => void,
  onFailed: (refusal: Refusal) => void,
): void {
  const asked = new Set<string>();
  const refused = new Set<string>();
  let left: Subscription[] = [];
  let hasFailed = false;
  const askOn = () => {
    for (;;) {
      const subscription = left.pop();
      if (subscription === undefined) {
        const all = [...(entry()?.subscriptions.values() ?? [])];
        left = all.filter(({ topicFilter }) => !asked.has(topicFilter)).reverse();
        if (left.length > 0) continue;
        onAsked(refused);
        return;
      }
      let isAnswered = false;
      let isAwaited = false;
      asked.add(subscription.topicFilter);
      hooks.authorizeSubscribe(shownTo(subscription, true), (verdict) => {
        isAnswered = true;
        if (!verdict.isAllowed) {
          hasFailed = verdict.isFailure;
          if (hasFailed) onFailed(verdict);
          else refused.add(subscription.topicFilter);
        }
        if (isAwaited && !hasFailed) askOn();
      });
      isAwaited = !isAnswered;
      if (isAwaited || hasFailed) return;
    }
  };
  askOn();
}

/** After a reload: asks for all that a client that is connected has subscribed, and takes away what is refused. */
export function askAgain(host: ProtocolHost, connection: Peer): void {
  const { hooks, session } = connection;
  if (hooks?.asksSubscribe !== true || session === null) return;
  hooks.askBeside((onDone) => {
    askForSession(
      hooks,
      () => host.sessions.entryOf(session),
      (refused) => {
        revokeSubscriptions(host, session, null, refused);
        onDone();
      },
      ({ reasonCode, why }) => {
        connection.disconnect(reasonCode, 'hook failed', why);
        onDone();
      },
    );
  });
}

function shownTo(subscription: Subscription, isResumed: boolean): HookSubscription {
  const { topicFilter, qos, noLocal, retainAsPublished, retainHandling } = subscription;
  const identifier = subscription.subscriptionIdentifier;
  return {
    topicFilter,
    qos,
    noLocal,
    retainAsPublished,
    retainHandling,
    subscriptionIdentifier: identifier === 0 ? null : identifier,
    isResumed,
  };
}
