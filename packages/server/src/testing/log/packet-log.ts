import type { Direction, LinkIdentity } from '../link/fate.ts';
import type { Frame } from '../link/packet-cutter.ts';
import { ExchangeNumbers } from './exchange-numbers.ts';
import { packetText, unreadableText } from './packet-text.ts';

/** Every packet in both directions, in the order in which they came by; the last ones where they are very many. */
export class PacketLog {
  readonly #linesMax: number;
  #lines: string[];
  #leftOut: number;
  readonly #numbers: ExchangeNumbers;

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
    this.#lines = [];
    this.#leftOut = 0;
    this.#numbers = new ExchangeNumbers();
  }

  /** A packet, as its sender sent it, and what became of it. */
  packet(
    { clientId }: LinkIdentity,
    direction: Direction,
    frame: Frame,
    notes: readonly string[],
  ): void {
    const { packet, bytes } = frame;
    const text =
      packet === null
        ? unreadableText(bytes)
        : packetText(this.#numbers.numbered(clientId ?? '', direction, packet));
    const fate = notes.length === 0 ? '' : ` [${notes.join(', ')}]`;
    this.#add(`${clientId ?? '?'} ${direction === 'in' ? '>' : '<'} ${text}${fate}`);
  }

  /** Something else that happened to a connection. */
  note({ clientId }: LinkIdentity, what: string): void {
    this.#add(`${clientId ?? '?'} -- ${what}`);
  }

  /** Something that happened to the broker. */
  event(what: string): void {
    this.#add(`-- ${what}`);
  }

  clear(): void {
    this.#lines = [];
    this.#leftOut = 0;
  }

  get text(): string {
    const { length } = this.#lines;
    const leftOut = this.#leftOut + Math.max(0, length - this.#linesMax);
    const lines = this.#lines.slice(-this.#linesMax);
    if (leftOut > 0) lines.unshift(`-- ${leftOut} earlier lines are left out`);
    return lines.map((line) => `${line}\n`).join('');
  }

  #add(line: string): void {
    this.#lines.push(line);
    // Not at each line: what is removed at the beginning moves all others.
    if (this.#lines.length < 2 * this.#linesMax) return;
    this.#leftOut += this.#lines.length - this.#linesMax;
    this.#lines = this.#lines.slice(-this.#linesMax);
  }
}
