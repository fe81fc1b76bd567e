import { type Config, ConfigError, type ConfigProblem } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import { type ListenerProfile, listenerProfiles, type TlsProfile } from './profile.ts';
import { loadTlsFiles, type TlsFiles } from './tls/tls-files.ts';

/** A listener of a configuration, with the content of the files that it names. */
export interface LoadedListener {
  readonly profile: ListenerProfile;
  /** Null where TLS isn't taken. */
  readonly tls: TlsFiles | null;
}

/**
 * All listeners of a configuration, with their files.
 *
 * @throws {ConfigError} with every file that can't be used
 */
export function loadListeners(config: Config): LoadedListener[] {
  const problems: ConfigProblem[] = [];
  const loaded = new Map<TlsProfile, TlsFiles | null>();
  const load = (profile: TlsProfile): TlsFiles | null => {
    try {
      return loadTlsFiles(profile);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.push(problem);
      return null;
    }
  };
  const listeners = listenerProfiles(config).map((profile) => {
    const { tls } = profile;
    // Several may use the same: it is read, and reported, once.
    if (tls !== null && !loaded.has(tls)) loaded.set(tls, load(tls));
    return { profile, tls: tls === null ? null : (loaded.get(tls) ?? null) };
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return listeners;
}

/**
 * Reports certificates that clients refuse, or will refuse soon.
 *
 * @param now - milliseconds since 1970, by the wall clock
 * @param soonMs - how long before they expire
 */
export function logTlsWarnings(
  log: Logger,
  all: readonly TlsFiles[],
  now: number,
  soonMs: number,
): void {
  const warnings = all.flatMap((files) => files.warningsAt(now, soonMs));
  for (const { key, source, message } of warnings) {
    log.warn('certificate-unfit', { key, source, why: message });
  }
}

/** What clients refuse, although the broker can start with it. */
export function refusedByClients(listeners: readonly LoadedListener[]): ConfigProblem[] {
  return tlsFilesOf(listeners).flatMap((files) => files.warningsAt(Date.now(), 0));
}

/** Of all listeners, each once. */
export function tlsFilesOf(listeners: readonly LoadedListener[]): TlsFiles[] {
  return [...new Set(listeners.map(({ tls }) => tls).filter((files) => files !== null))];
}
