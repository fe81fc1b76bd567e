import { z } from 'zod';
import { adminSection } from './sections/admin.ts';
import { authSection } from './sections/auth/auth.ts';
import { clusterSection } from './sections/cluster.ts';
import { historySection } from './sections/history.ts';
import { hooksSection } from './sections/hooks.ts';
import { limitsSection } from './sections/limits.ts';
import { listenersOption } from './sections/listeners.ts';
import { analyticsSection, monitorSection } from './sections/monitor.ts';
import { mqttSection } from './sections/mqtt.ts';
import { logSection, metricsSection } from './sections/observation.ts';
import { presenceSection } from './sections/presence.ts';
import { serverSection } from './sections/server.ts';
import { storageSection } from './sections/storage.ts';

/**
 * All options: the source of types, defaults, checks, flags, environment variables, help, documentation
 * and the JSON Schema for editors. Keys are camelCase here and kebab-case in files and flags. An option
 * that can't change while the broker runs has `restart` in its meta data, and one that is never shown
 * has `secret`.
 */
export const configSchema = z.strictObject({
  server: serverSection,
  listeners: listenersOption,
  mqtt: mqttSection,
  limits: limitsSection,
  auth: authSection,
  storage: storageSection,
  metrics: metricsSection,
  presence: presenceSection,
  admin: adminSection,
  monitor: monitorSection,
  analytics: analyticsSection,
  log: logSection,
  history: historySection,
  hooks: hooksSection,
  cluster: clusterSection,
});

/** A configuration that has been checked; durations in milliseconds, sizes in bytes. */
export type Config = z.output<typeof configSchema>;

/** What a configuration is made from: every option may be left out, or be written as in a file. */
export type ConfigInput = z.input<typeof configSchema>;
