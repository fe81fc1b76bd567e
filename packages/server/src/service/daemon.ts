import { spawn } from 'node:child_process';

/**
 * Starts this program again, in the background, without `--daemon`, and waits until it serves.
 *
 * @returns its process identifier
 * @throws when it ends before; the message is what it said
 */
export async function startDaemon(): Promise<number> {
  const args = process.argv.slice(1).filter((arg) => !/^--(server-)?daemon(=.*)?$/.test(arg));
  const child = spawn(process.execPath, [...process.execArgv, ...args, '--no-daemon'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('error', reject);
    child.once('close', (code) => {
      const why = errors.trim().replace(/^promptmq: /gm, '');
      reject(new Error(why === '' ? `the broker ended with ${code}` : why));
    });
  });
  child.stderr?.destroy();
  child.disconnect();
  child.unref();
  return child.pid as number;
}

/** In the background process: says that it serves. */
export function reportReady(): void {
  process.send?.('ready');
}
