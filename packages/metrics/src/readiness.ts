/** What a check found. */
export interface CheckResult {
  readonly isOk: boolean;
  /** What is wrong, or a detail worth showing. */
  readonly detail?: string;
}

/** Looks at one thing that has to be in order for the program to serve. */
export type Check = () => CheckResult | Promise<CheckResult>;

export type Checks = Readonly<Record<string, Check>>;

export interface Readiness {
  readonly isReady: boolean;
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/**
 * Runs all checks side by side. One that throws, or takes too long, has failed.
 *
 * @param timeoutMs - how long a check may take
 */
export async function runChecks(checks: Checks, timeoutMs: number): Promise<Readiness> {
  const results = await Promise.all(
    Object.entries(checks).map(
      async ([name, check]) => [name, await runCheck(check, timeoutMs)] as const,
    ),
  );
  return {
    isReady: results.every(([, { isOk }]) => isOk),
    checks: Object.fromEntries(results),
  };
}

function runCheck(check: Check, timeoutMs: number): Promise<CheckResult> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve({ isOk: false, detail: `no answer within ${timeoutMs} ms` });
    }, timeoutMs);
    // Whoever waits for the answer has a handle of their own.
    timer.unref();
    const end = (result: CheckResult) => {
      clearTimeout(timer);
      resolve(result);
    };
    // In a promise's function, so that a check that throws at once fails like one that rejects.
    Promise.resolve()
      .then(check)
      .then(end, (error: unknown) => {
        end({ isOk: false, detail: error instanceof Error ? error.message : String(error) });
      });
  });
}
