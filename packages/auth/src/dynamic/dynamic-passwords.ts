import type { PasswordSource } from '../passwords/password-checker.ts';
import {
  costName,
  type HashCost,
  type PasswordHash,
  parsePasswordHash,
  SCRYPT_COST,
} from '../passwords/password-hash.ts';
import type { Comparison } from '../passwords/password-users.ts';

/** Hashes of one cost, and how many there are. */
interface Counted {
  readonly cost: HashCost;
  count: number;
}

/**
 * The hashed passwords of users that change.
 *
 * Invariant: whatever name is asked about, a wrong password costs the same: one hash of each cost that any user has.
 */
export class DynamicPasswords implements PasswordSource {
  readonly #hashes: Map<string, PasswordHash>;
  /** By their name. */
  readonly #costs: Map<string, Counted>;

  constructor() {
    this.#hashes = new Map();
    this.#costs = new Map();
  }

  /**
   * @param encoded - as in a password file; null where nobody can connect as this user
   * @returns false when it is no hash that can be checked: then nobody can, either
   */
  set(userName: string, encoded: string | null): boolean {
    const former = this.#hashes.get(userName);
    if (former !== undefined) this.#count(former, -1);
    this.#hashes.delete(userName);
    if (encoded === null) return true;
    const hash = parsePasswordHash(encoded);
    if (hash === null) return false;
    this.#hashes.set(userName, hash);
    this.#count(hash, 1);
    return true;
  }

  #count({ cost }: PasswordHash, change: number): void {
    const name = costName(cost);
    const known = this.#costs.get(name) ?? { cost, count: 0 };
    known.count += change;
    if (known.count > 0) this.#costs.set(name, known);
    else this.#costs.delete(name);
  }

  comparisonOf(userName: string): Comparison {
    const kept = this.#hashes.get(userName) ?? this.#nobodys();
    const its = costName(kept.cost);
    const others: HashCost[] = [];
    for (const [name, { cost }] of this.#costs) if (name !== its) others.push(cost);
    return { kept, others };
  }

  /** A hash that no password has. */
  #nobodys(): PasswordHash {
    const [first] = this.#costs.values();
    const cost = first?.cost ?? SCRYPT_COST;
    const size = cost.algorithm === 'bcrypt' ? 23 : 32;
    return { cost, salt: Buffer.alloc(16), hash: Buffer.alloc(size) };
  }
}
