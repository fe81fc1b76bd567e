/** Where a bar is drawn. */
export interface BarOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const WIDTH = 30;

/** A bar on a terminal, gone when all is done; nothing where the output is read by a program. */
export function progressBar(
  what: string,
  output: BarOutput = process.stderr,
): (doneBytes: number, totalBytes: number) => void {
  if (output.isTTY !== true) return () => {};
  return (doneBytes, totalBytes) => {
    const share = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes);
    const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.');
    output.write(`\r${what} [${bar}] ${Math.floor(share * 100)}%`);
    if (share === 1) output.write('\r\x1b[K');
  };
}
