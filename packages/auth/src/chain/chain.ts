import { ReasonCode } from '@promptmq/codec';
import type { Credentials } from '../credentials.ts';
import type { Provider, ProviderAnswer } from '../provider.ts';
import {
  type Admission,
  type Admitted,
  admitted,
  type RefusalReason,
  type Refused,
  refused,
} from './admission.ts';
import { AnswerCache } from './answer-cache.ts';
import { type Asked, ask, type Failure, failedBy, type SetTimer, settled } from './asked.ts';

/** A provider in its place in a chain. */
export interface ChainEntry {
  readonly provider: Provider;
  /** What it is called in logs, metrics and admissions; by default the provider's own name. */
  readonly name?: string;
  /** How long it may take to answer, in milliseconds; Infinity where it has a limit of its own. */
  readonly timeoutMs: number;
  /** What becomes of a client when it fails or takes too long: it is refused, or the next one is asked. */
  readonly onError: 'deny' | 'pass';
  /** How long an answer that says nothing of it is remembered, in milliseconds; 0 is not at all. */
  readonly cacheMs: number;
}

/** What a chain needs beside its providers. */
export interface ChainOptions {
  /** Whether clients that name nobody are let in when no provider has said anything of them. */
  readonly allowsAnonymous: boolean;
  /** How many answers are remembered of each provider: as many that allow, and as many others. */
  readonly cachedAnswersMax: number;
  /** Wall clock: milliseconds since 1970. */
  now(): number;
  /** Calls back once after a time, in milliseconds; what is returned prevents it. */
  readonly setTimer: SetTimer;
  /** A provider has failed, or took too long; `why` is for the log. */
  onFailed?(provider: string, failure: Failure['failure'], why: string): void;
}

interface Link extends Required<ChainEntry> {
  readonly cache: AnswerCache;
}

/**
 * Finds out who a client is, by asking providers one after the other until one allows or denies. Where all pass, a client that
 * names nobody may be let in without a name, and any other is refused. What fails is refused, or passes where that was chosen.
 *
 * It owns its providers: `close` closes them.
 */
export class Chain {
  readonly #links: readonly Link[];
  readonly #options: ChainOptions;

  constructor(entries: readonly ChainEntry[], options: ChainOptions) {
    this.#links = entries.map((entry) => ({
      name: entry.provider.name,
      ...entry,
      cache: new AnswerCache(options.cachedAnswersMax),
    }));
    this.#options = options;
  }

  /** In the order in which they are asked. */
  get entries(): readonly Required<ChainEntry>[] {
    return this.#links;
  }

  get allowsAnonymous(): boolean {
    return this.#options.allowsAnonymous;
  }

  /**
   * Asks who a client is; at once where each provider that is asked answers at once.
   *
   * @param gone - aborted when nobody needs the answer any more; a promise is then settled soon, and says no
   */
  authenticate(credentials: Credentials, gone?: AbortSignal): Admission | Promise<Admission> {
    let failed: Refused | null = null;
    for (const [index, link] of this.#links.entries()) {
      const asked = this.#ask(link, credentials, gone);
      if (asked instanceof Promise) {
        return this.#continue(index, asked, credentials, failed, gone);
      }
      const verdict = this.#judge(link, credentials, asked);
      if (verdict === null) continue;
      if (verdict.isAdmitted || link.onError === 'deny' || !isFailure(verdict)) return verdict;
      failed = verdict;
    }
    return this.#nobody(credentials, failed);
  }

  /** From a provider on whose answer is awaited. */
  async #continue(
    from: number,
    awaited: Promise<Asked>,
    credentials: Credentials,
    failedBefore: Refused | null,
    gone: AbortSignal | undefined,
  ): Promise<Admission> {
    let failed = failedBefore;
    for (let index = from; index < this.#links.length; index++) {
      const link = this.#links[index] as Link;
      const asked = await (index === from ? awaited : this.#ask(link, credentials, gone));
      if (gone?.aborted === true) return GONE;
      const verdict = this.#judge(link, credentials, asked);
      if (verdict === null) continue;
      if (verdict.isAdmitted || link.onError === 'deny' || !isFailure(verdict)) return verdict;
      failed = verdict;
    }
    return this.#nobody(credentials, failed);
  }

  #ask(
    link: Link,
    credentials: Credentials,
    gone: AbortSignal | undefined,
  ): Asked | Promise<Asked> {
    const { provider, cache, cacheMs, timeoutMs } = link;
    const mayBeKept = cacheMs > 0 || cache.size > 0;
    if (mayBeKept) {
      const kept = cache.get(cache.keyOf(credentials), this.#options.now());
      if (kept !== null) return kept;
    }
    const asked = ask(provider, credentials, timeoutMs, this.#options.setTimer, gone);
    if (!(asked instanceof Promise)) {
      this.#keep(link, credentials, asked);
      return asked;
    }
    return asked.then((answer) => {
      this.#keep(link, credentials, answer);
      return answer;
    });
  }

  #keep({ cache, cacheMs }: Link, credentials: Credentials, asked: Asked): void {
    if (!settled(asked)) return;
    const { result } = asked;
    if (result === 'deny' && saysNothing(asked.reasonCode)) return;
    const { cacheSeconds, expiresAt = Number.POSITIVE_INFINITY } = result === 'allow' ? asked : {};
    const keptMs = cacheSeconds === undefined ? cacheMs : cacheSeconds * 1000;
    if (!(keptMs > 0)) return;
    cache.keep(cache.keyOf(credentials), asked, Math.min(this.#options.now() + keptMs, expiresAt));
  }

  /** @returns null when the next one is to be asked */
  #judge(link: Link, credentials: Credentials, asked: Asked): Admission | null {
    const { name } = link;
    if (!settled(asked)) {
      this.#options.onFailed?.(name, asked.failure, asked.why);
      return refused(name, asked.failure, ReasonCode.ServerUnavailable, asked.why);
    }
    switch (asked.result) {
      case 'pass':
        return null;
      case 'deny': {
        const { reasonCode = deniedCode(credentials), why, reasonString } = asked;
        return refused(name, reasonFor(reasonCode), reasonCode, why, reasonString);
      }
      case 'allow':
        try {
          return admissionOf(name, credentials, asked, this.#options.now());
        } catch (error) {
          return this.#judge(link, credentials, failedBy(error));
        }
    }
  }

  /** All have passed. */
  #nobody(credentials: Credentials, failed: Refused | null): Admission {
    if (namesNobody(credentials) || this.#links.length === 0) {
      // Without a provider a user name says nothing.
      return this.#options.allowsAnonymous ? ANONYMOUS : NOT_ANONYMOUS;
    }
    // Whoever failed may have known the client: it had better try again.
    return failed ?? UNKNOWN;
  }

  /** Closes its providers; resolves when all are. */
  async close(): Promise<void> {
    await Promise.all(this.#links.map(async ({ provider }) => provider.close?.()));
  }
}

function admissionOf(
  name: string,
  credentials: Credentials,
  answer: ProviderAnswer & { readonly result: 'allow' },
  nowMs: number,
): Admission {
  const { userName = credentials.userName || null, expiresAt, clientId, ...more } = answer;
  if (expiresAt !== undefined && expiresAt <= nowMs) {
    return refused(name, 'expired', ReasonCode.NotAuthorized, 'what it showed has expired');
  }
  return admitted(name, userName, {
    ...more,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(clientId === undefined ? {} : { clientId }),
  });
}

function isFailure({ reason }: Refused): boolean {
  return reason === 'error' || reason === 'timeout';
}

/** Whether a client says nothing of who it is. */
function namesNobody({ userName, password }: Credentials): boolean {
  return userName === null && password === null;
}

function deniedCode(credentials: Credentials): number {
  return namesNobody(credentials) ? ReasonCode.NotAuthorized : ReasonCode.BadUserNameOrPassword;
}

/** That it was busy, or hasn't looked at the password, says nothing of the client. */
function saysNothing(reasonCode: number | undefined): boolean {
  return reasonCode === ReasonCode.ServerBusy || reasonCode === ReasonCode.QuotaExceeded;
}

function reasonFor(reasonCode: number): RefusalReason {
  if (reasonCode === ReasonCode.ServerBusy) return 'busy';
  return reasonCode === ReasonCode.QuotaExceeded ? 'throttled' : 'denied';
}

const ANONYMOUS: Admitted = admitted(null, null);
const NOT_ANONYMOUS = refused(
  null,
  'anonymous',
  ReasonCode.NotAuthorized,
  'anonymous clients are not allowed',
  'anonymous clients are not allowed',
);
const UNKNOWN = refused(null, 'unknown', ReasonCode.BadUserNameOrPassword, 'nobody knows the user');
const GONE = refused(null, 'timeout', ReasonCode.UnspecifiedError, 'the client has gone');
