import type { LinkTls } from '@promptmq/cluster';
import type { Config } from '../../config/index.ts';
import type { Logger } from '../../log/index.ts';
import type { WorkerStart } from '../worker-messages.ts';
import { LinkCertificates } from './link-certificates.ts';

/** Who may link to a process, and how that is proved beside the secret. */
export interface LinkTerms {
  /** Nodes; empty: all. */
  readonly peers: readonly string[];
  /** Certificates, asked for each link; null: without. */
  readonly tls: (() => LinkTls) | null;
}

/**
 * On which terms a process has links: those of one machine are over sockets that others can't open.
 *
 * @throws {ConfigError} when its certificates can't be used
 */
export function linkTermsOf(config: Config, { node }: WorkerStart, log: Logger): LinkTerms {
  if (node === null) return { peers: [], tls: null };
  const certificates = LinkCertificates.of(config, log);
  return {
    peers: config.cluster.peers,
    tls: certificates === null ? null : () => certificates.current,
  };
}
