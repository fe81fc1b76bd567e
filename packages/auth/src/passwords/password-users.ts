import { costName, type HashCost, type PasswordHash, SCRYPT_COST } from './password-hash.ts';

/** What a check of one name has to make: `kept` decides, `others` are made when the password is wrong. */
export interface Comparison {
  readonly kept: PasswordHash;
  readonly others: readonly HashCost[];
}

/**
 * Users with their hashed passwords.
 *
 * Invariant: whatever name is asked about, a wrong password costs the same: one hash of each cost that any user has. So how long an
 * answer takes doesn't say whether there is such a user, also where hashes are of several kinds.
 */
export class PasswordUsers {
  readonly #users: ReadonlyMap<string, PasswordHash>;
  /** By name, the costs that there are; at least one. */
  readonly #costs: ReadonlyMap<string, HashCost>;
  readonly #others: ReadonlyMap<string, readonly HashCost[]>;
  readonly #nobody: Comparison;

  /** @param users - by name; owned by this from now on */
  constructor(users: ReadonlyMap<string, PasswordHash>) {
    this.#users = users;
    const costs = new Map<string, HashCost>();
    for (const { cost } of users.values()) costs.set(costName(cost), cost);
    if (costs.size === 0) costs.set(costName(SCRYPT_COST), SCRYPT_COST);
    this.#costs = costs;
    this.#others = new Map(
      [...costs.keys()].map((name) => [
        name,
        [...costs].filter(([other]) => other !== name).map(([, cost]) => cost),
      ]),
    );
    const [name, cost] = [...costs][0] as [string, HashCost];
    this.#nobody = { kept: nobodys(cost), others: this.#others.get(name) as readonly HashCost[] };
  }

  get(name: string): PasswordHash | undefined {
    return this.#users.get(name);
  }

  get size(): number {
    return this.#users.size;
  }

  /** Hashes that a wrong password costs. */
  get costCount(): number {
    return this.#costs.size;
  }

  /** What to compare a password with; for a name that isn't there, with what no password has. */
  comparisonOf(name: string): Comparison {
    const kept = this.#users.get(name);
    if (kept === undefined) return this.#nobody;
    return { kept, others: this.#others.get(costName(kept.cost)) as readonly HashCost[] };
  }
}

/** A hash that no password has. */
function nobodys(cost: HashCost): PasswordHash {
  const size = cost.algorithm === 'bcrypt' ? 23 : 32;
  return { cost, salt: Buffer.alloc(16), hash: Buffer.alloc(size) };
}
