/**
 * Accounts whose balances are made of an event log: every deposit is on disk before it is confirmed, the
 * balances come back after any end of the process, and events older than what is kept are compacted away.
 *
 *   node event-log.mjs [DIRECTORY]
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbIndex, Log } from '@promptmq/wal';

/** How many of the last events of an account are kept. */
const HISTORY = 3;

/** What the log's records add up to. */
class Accounts {
  balances = new Map();
  /** Positions of the events that are kept, by account. */
  events = new Map();
  #changed = new Set();

  apply(position, { account, amount }) {
    this.balances.set(account, (this.balances.get(account) ?? 0) + amount);
    this.events.set(account, [...(this.events.get(account) ?? []), position]);
    this.#changed.add(account);
    // Says which event is no longer needed.
    return this.events.get(account).length > HISTORY ? this.events.get(account).shift() : null;
  }

  // The log calls these: at open …
  restore(entries) {
    for (const [account, value] of entries) {
      const { balance, events } = JSON.parse(value);
      this.balances.set(account, balance);
      this.events.set(account, events);
    }
  }

  replay({ position, data }, release) {
    const old = this.apply(position, JSON.parse(data));
    if (old !== null) release(old, data.length);
  }

  // … for a checkpoint …
  changes(isWhole) {
    const accounts = isWhole ? [...this.balances.keys()] : [...this.#changed];
    this.#changed.clear();
    return accounts.map((account) => this.#entry(account));
  }

  // … and for compaction.
  snapshot() {
    return [...this.balances.keys()].map((account) => this.#entry(account));
  }

  keep({ position, data }) {
    return this.events.get(JSON.parse(data).account)?.includes(position) ? data : null;
  }

  moved(from, to, { data }) {
    const events = this.events.get(JSON.parse(data).account) ?? [];
    if (events.includes(from)) events[events.indexOf(from)] = to;
  }

  #entry(account) {
    const state = { balance: this.balances.get(account), events: this.events.get(account) };
    return [account, Buffer.from(JSON.stringify(state))];
  }
}

const directory = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'event-log-')));
const accounts = new Accounts();
const log = await Log.open({ directory, index: new LmdbIndex(directory), owner: accounts });
console.log(`${accounts.balances.size} accounts in ${directory}`);

/** Resolves when the deposit survives a power cut. */
function deposit(account, amount) {
  const data = Buffer.from(JSON.stringify({ account, amount }));
  return new Promise((done, fail) => {
    const onCommitted = (error) => (error === null ? done() : fail(error));
    const position = log.append(data, onCommitted, Buffer.from(account));
    // In the same turn as the append: so a checkpoint holds exactly what lies before its position.
    const old = accounts.apply(position, { account, amount });
    if (old !== null) log.release(old, data.length);
  });
}

// All of one turn are one batch: it is on disk as a whole, with one sync.
await Promise.all(['anna', 'bob', 'anna', 'anna', 'anna'].map((name, i) => deposit(name, 10 + i)));
console.log('balances:', Object.fromEntries(accounts.balances));

for (const position of accounts.events.get('anna')) {
  const record = log.readNow(position) ?? (await log.read(position));
  console.log(`anna, at ${position}:`, record.data.toString());
}
console.log('positions of anna:', log.streamPositions(Buffer.from('anna')));
console.log('syncs so far:', log.stats.syncs);
console.log('compaction:', await log.compact());
await log.close();
