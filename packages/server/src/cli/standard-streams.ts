let isService = false;

/**
 * Has no command end with an exception because nobody reads what it says. One whose reader has seen enough, such as head, goes
 * on to its end; what can't be written for another reason, such as a full disk, is said where that can be read.
 */
export function tolerateBrokenOutput(): void {
  process.stderr.on('error', () => {});
  let isTold = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isTold || isService) return;
    isTold = true;
    process.exitCode = 1;
    process.stderr.write(`promptmq: standard output: ${error.message}\n`);
  });
}

/** This process serves clients: what it says on standard output is of no importance to its exit code. */
export function becomeService(): void {
  isService = true;
}
