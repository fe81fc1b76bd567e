import { spawn } from 'node:child_process';

/**
 * Notifies systemd how the service is, where that started it with Type=notify. Node has no Unix datagram
 * sockets, so systemd's own tool does it; the unit needs NotifyAccess=all.
 */
export class SystemdNotifier {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #onFailed: (why: string) => void;
  #watchdog: NodeJS.Timeout | null;

  /** @param onFailed - called when systemd can't be notified */
  constructor(environment: NodeJS.ProcessEnv, onFailed: (why: string) => void) {
    this.#environment = environment;
    this.#onFailed = onFailed;
    this.#watchdog = null;
  }

  get isWanted(): boolean {
    return (this.#environment['NOTIFY_SOCKET'] ?? '') !== '';
  }

  /** The broker serves; from here on the watchdog hears from the event loop. */
  ready(): void {
    this.#notify(`--pid=${process.pid}`, 'READY=1', 'STATUS=serving');
    const watchdogUs = Number(this.#environment['WATCHDOG_USEC'] ?? 0);
    if (!this.isWanted || !(watchdogUs > 0)) return;
    this.#watchdog = setInterval(() => this.#notify('WATCHDOG=1'), watchdogUs / 2000);
    this.#watchdog.unref();
  }

  stopping(): void {
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
    this.#notify('STOPPING=1', 'STATUS=stopping');
  }

  #notify(...args: string[]): void {
    if (!this.isWanted) return;
    const child = spawn('systemd-notify', args, { stdio: 'ignore', env: this.#environment });
    child.on('error', (error) => this.#onFailed(error.message));
    child.on('exit', (code) => {
      if (code !== 0) this.#onFailed(`systemd-notify ended with ${code}`);
    });
  }
}
