import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { freePort } from '../../packages/server/test/support/free-port.ts';

export const dockerFolder = fileURLToPath(new URL('../../docker', import.meta.url));

export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

export interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

interface PrometheusConfig {
  global: Record<string, string>;
  rule_files: string[];
  scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
}

/** Scrapes and evaluations are a second apart. */
const WAIT_MS_MAX = 30_000;

/** What the job is called here: dashboard and rules don't depend on its name. */
export const JOB = 'brokers';

/** Prometheus with the configuration of the compose file, but for the job, its target and the interval. */
export class Prometheus {
  readonly #url: string;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  private constructor(url: string, folder: string, child: ChildProcess) {
    this.#url = url;
    this.#folder = folder;
    this.#child = child;
    this.#closed = once(child, 'close');
  }

  /** @param target - host and port of the broker's endpoint */
  static async start(target: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-prometheus-'));
    const source = join(dockerFolder, 'prometheus');
    const config = parse(readFileSync(join(source, 'prometheus.yml'), 'utf8')) as PrometheusConfig;
    for (const job of config.scrape_configs) {
      job.job_name = JOB;
      for (const group of job.static_configs) group.targets = [target];
    }
    config.global['scrape_interval'] = '1s';
    config.global['evaluation_interval'] = '1s';
    for (const name of config.rule_files) copyFileSync(join(source, name), join(folder, name));
    const file = join(folder, 'prometheus.yml');
    writeFileSync(file, stringify(config));

    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      'prometheus',
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const prometheus = new Prometheus(`http://${address}`, folder, child);
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
      said.push(line);
      if (line.includes('Server is ready')) {
        child.stderr?.resume();
        return prometheus;
      }
    }
    throw new Error(`prometheus ended: ${said.join('\n')}`);
  }

  /**
   * Asks until the answer is accepted.
   *
   * @throws with the last answer, when it takes longer than any answer should
   */
  async until<T>(ask: () => Promise<T>, isAccepted: (answer: T) => boolean): Promise<T> {
    const giveUpAt = Date.now() + WAIT_MS_MAX;
    for (;;) {
      const answer = await ask();
      if (isAccepted(answer)) return answer;
      if (Date.now() > giveUpAt) throw new Error(`still: ${JSON.stringify(answer)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async query(expression: string): Promise<readonly QueryResult[]> {
    const answer = await this.#get(`query?query=${encodeURIComponent(expression)}`);
    return (answer as { result: QueryResult[] }).result;
  }

  async rules(): Promise<readonly RuleState[]> {
    const { groups } = (await this.#get('rules')) as { groups: { rules: RuleState[] }[] };
    return groups.flatMap(({ rules }) => rules);
  }

  async #get(path: string): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; error?: string; data: unknown };
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#closed;
    rmSync(this.#folder, { recursive: true });
  }
}
