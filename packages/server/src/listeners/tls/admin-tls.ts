import { type Config, ConfigError, type ConfigProblem } from '../../config/index.ts';
import { loadTlsFiles, type TlsFiles } from './tls-files.ts';

/**
 * Certificate and key of the admin listener, read and checked; null where it has none.
 *
 * @throws {ConfigError} when they can't be used
 */
export function loadAdminTls({ admin }: Config): TlsFiles | null {
  const { tlsCert: cert, tlsKey: key } = admin;
  if (cert === null && key === null) return null;
  if (cert === null || key === null) {
    const missing = cert === null ? 'admin.tls-cert' : 'admin.tls-key';
    const message = 'it is needed, too: certificate and key belong together';
    throw new ConfigError([{ key: missing, source: 'options', message }]);
  }
  const section = 'admin.tls';
  try {
    const files = loadTlsFiles({
      section,
      certificates: [{ section, cert, key, passphrase: '', hosts: [] }],
      pskFile: null,
      ca: null,
      crl: null,
      clientCertificates: 'none',
      minVersion: 'TLSv1.2',
      ciphers: '',
      alpn: [],
    });
    const warningsAt = (now: number, soonMs: number) =>
      files.warningsAt(now, soonMs).map(underOption);
    return { ...files, warningsAt };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems.map(underOption));
  }
}

/** The options are called tls-cert and tls-key: there is no section tls. */
function underOption(problem: ConfigProblem): ConfigProblem {
  return { ...problem, key: problem.key.replace('admin.tls.', 'admin.tls-') };
}
