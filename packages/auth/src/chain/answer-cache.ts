import { createHmac, randomBytes } from 'node:crypto';
import type { Credentials } from '../credentials.ts';
import type { ProviderAnswer } from '../provider.ts';

interface Kept {
  readonly answer: ProviderAnswer;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/**
 * Answers of one provider, for a while. They are kept under a keyed hash of all that the client showed, whose key only this
 * object has ever had: passwords themselves are not kept.
 *
 * Invariant: at most `answersMax` of those that allow, and as many of all others: who guesses doesn't displace who was right.
 */
export class AnswerCache {
  readonly #key: Buffer;
  readonly #answersMax: number;
  /** Both with those first that were kept first. */
  readonly #allowed: Map<string, Kept>;
  readonly #others: Map<string, Kept>;

  constructor(answersMax: number) {
    this.#key = randomBytes(32);
    this.#answersMax = answersMax;
    this.#allowed = new Map();
    this.#others = new Map();
  }

  get size(): number {
    return this.#allowed.size + this.#others.size;
  }

  /** Under which the answer to a client's credentials is kept. */
  keyOf(credentials: Credentials): string {
    const { clientId, userName, password, address, protocol, version, listener } = credentials;
    const hmac = createHmac('sha256', this.#key);
    const { certificate, pskIdentity } = credentials;
    const facts = [
      clientId,
      userName,
      address,
      protocol,
      version,
      listener,
      certificate?.fingerprint256 ?? null,
      pskIdentity,
      password === null,
    ];
    // As JSON: no two lists of facts have the same text.
    hmac.update(JSON.stringify(facts));
    if (password !== null) hmac.update(password);
    return hmac.digest('base64');
  }

  get(key: string, nowMs: number): ProviderAnswer | null {
    const kept = this.#allowed.get(key) ?? this.#others.get(key);
    if (kept === undefined) return null;
    if (kept.until > nowMs) return kept.answer;
    this.#allowed.delete(key);
    this.#others.delete(key);
    return null;
  }

  /** @param until - milliseconds since 1970 */
  keep(key: string, answer: ProviderAnswer, until: number): void {
    this.#allowed.delete(key);
    this.#others.delete(key);
    const answers = answer.result === 'allow' ? this.#allowed : this.#others;
    if (answers.size >= this.#answersMax) {
      const [oldest] = answers.keys();
      answers.delete(oldest as string);
    }
    answers.set(key, { answer, until });
  }
}
