import type { Progress } from './result.ts';
import { formatCount } from './table.ts';

/** One line that is written over, on a terminal; nothing elsewhere. */
export class ProgressLine {
  readonly #output: NodeJS.WriteStream;
  #isShown = false;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  show(label: string, { phase, ratePerSecond }: Progress): void {
    if (!this.#output.isTTY) return;
    const rate = ratePerSecond === null ? '' : ` ${formatCount(ratePerSecond)}/s`;
    const line = `${label}: ${phase}${rate}`.slice(0, Math.max(20, this.#output.columns - 1));
    this.#output.write(`\r\x1b[K${line}`);
    this.#isShown = true;
  }

  clear(): void {
    if (this.#isShown) this.#output.write('\r\x1b[K');
    this.#isShown = false;
  }
}
