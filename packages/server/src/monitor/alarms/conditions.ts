import { ADMIN_LISTENER } from '../../runtime/stats.ts';
import type { MonitorSource, MonitorValues } from '../fields.ts';
import type { Condition } from './alarm-book.ts';
import type { FillingQueue } from './queues-watch.ts';

const DAY_MS = 86_400_000;

/** Clients that may connect: from this part on there is an alarm. */
const CONNECTIONS_PART = 0.9;

/** What conditions are judged by. */
export interface Findings {
  readonly source: MonitorSource;
  /** Of the last sample. */
  readonly latest: MonitorValues;
  /** Of the last minute. */
  readonly minute: MonitorValues;
  /** What was dropped in the last minute, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  readonly filling: readonly FillingQueue[];
}

/** Everything of which an operator should know now. */
export function conditionsOf(findings: Findings): Condition[] {
  return [
    ...ofStorage(findings),
    ...ofProcess(findings),
    ...ofMessages(findings),
    ...ofQueues(findings),
    ...ofConnections(findings),
    ...ofCertificates(findings),
    ...ofFailures(findings),
  ];
}

function* ofStorage({ source, latest }: Findings): Generator<Condition> {
  const { storage, broker } = source;
  if (storage === null) return;
  if (storage.failure !== null) {
    yield {
      name: 'storage_failed',
      message: `The storage has failed: ${storage.failure.message}. Nothing is acknowledged that has to be kept.`,
      remedy: 'Look for the cause in the log and on the disk, then start the broker again.',
      details: { why: storage.failure.message },
    };
  }
  if (storage.isFull) {
    yield {
      name: 'disk_full',
      message: 'There is no room left for the log: what has to be stored is refused.',
      remedy:
        'Make room on the disk; the broker continues by itself. See docs/storage.md for what keeps the log large.',
      details: { storage_bytes: storage.usageBytes },
    };
  }
  if (storage.stats.quarantinedStretches > 0) {
    yield {
      name: 'storage_damaged',
      message: 'Parts of the log could not be read at the start, and were set aside.',
      remedy: 'See what the log said at the start, and docs/storage.md; check the disk.',
      details: { stretches: storage.stats.quarantinedStretches },
    };
  }
  const { slowSync } = broker.config.monitor;
  if (latest.syncP99Ms > slowSync) {
    yield {
      name: 'fsync_slow',
      message: `The disk takes ${round(latest.syncP99Ms)} ms to make records safe (99 of 100); acknowledgements wait for it.`,
      remedy: 'Look what else writes to this disk, or give the log (storage.wal-dir) a faster one.',
      details: { p99_ms: round(latest.syncP99Ms), syncs: latest.syncs, limit_ms: slowSync },
    };
  }
}

function* ofProcess({ source: { broker }, latest }: Findings): Generator<Condition> {
  const { overload, config } = broker;
  if (overload.text !== '') {
    yield {
      name: 'overload',
      message: `The broker has more than it can cope with: ${overload.text}.`,
      remedy:
        'Have clients send less, or give the broker more memory or a faster machine; limits.overload says from when on.',
      details: { level: overload.level, memory_percent: round(100 * overload.memoryPart) },
    };
  }
  const { slowLoop } = config.monitor;
  if (latest.loopLagP99Ms > slowLoop) {
    yield {
      name: 'event_loop_lag',
      message: `Everything waits for up to ${round(latest.loopLagP99Ms)} ms: the event loop is that late (99 of 100).`,
      remedy:
        'Look at the processor (is something else running?), at hooks of the program, and at the rates of the clients.',
      details: { p99_ms: round(latest.loopLagP99Ms), limit_ms: slowLoop },
    };
  }
}

function* ofMessages({ minute, drops }: Findings): Generator<Condition> {
  // That nothing is kept at QoS 0 for who is away is as it should be: it would be an alarm that never ends.
  const lost = Object.entries(drops).filter(
    ([reason, count]) => count > 0 && reason !== 'not-connected',
  );
  if (lost.length > 0) {
    const total = lost.reduce((sum, [, count]) => sum + count, 0);
    const reasons = lost.map(([reason, count]) => `${reason} ${count}`).join(', ');
    yield {
      name: 'messages_dropped',
      message: `${total} ${total === 1 ? 'message was' : 'messages were'} not delivered to a client in the last minute: ${reasons}.`,
      remedy:
        'promptmq why, or the page “Why?”, says it for a client and a topic; the most queued or dropped clients first show who is slow.',
      details: Object.fromEntries(lost),
    };
  }
  if (minute.refused > 0) {
    yield {
      name: 'messages_refused',
      message: `${minute.refused} ${minute.refused === 1 ? 'message of a publisher was' : 'messages of publishers were'} refused in the last minute.`,
      remedy:
        'promptmq_messages_refused_total has the reasons; the log has who was refused, and which rule decided.',
      details: { count: minute.refused },
    };
  }
}

function* ofQueues({ filling }: Findings): Generator<Condition> {
  for (const { clientId, messages, bytes, percent } of filling) {
    yield {
      name: `client_queue_filling/${clientId}`,
      message: `${percent} % of what may wait for client ${JSON.stringify(clientId)} does.`,
      remedy:
        'See whether it is connected and takes its messages; raise mqtt.max-queued-messages, or end its session if it does not come back.',
      details: { client: clientId, messages, bytes, percent },
    };
  }
}

function* ofConnections({ source: { broker }, latest }: Findings): Generator<Condition> {
  const { maxConnections } = broker.config.mqtt;
  if (latest.connections < CONNECTIONS_PART * maxConnections) return;
  yield {
    name: 'connections_near_limit',
    message: `${latest.connections} of ${maxConnections} clients that may be connected are; more are refused.`,
    remedy: 'Raise mqtt.max-connections, or see who connects.',
    details: { connections: latest.connections, limit: maxConnections },
  };
}

function* ofCertificates({ source: { broker, listeners } }: Findings): Generator<Condition> {
  const { certificateDays } = broker.config.monitor;
  const now = broker.runtime.wallNow();
  const admin = { name: ADMIN_LISTENER, certificates: broker.stats.admin.certificates };
  for (const { name: listener, certificates } of [...listeners, admin]) {
    for (const { name, expiresAt } of certificates) {
      const daysLeft = (expiresAt - now) / DAY_MS;
      if (daysLeft > certificateDays) continue;
      const at = new Date(expiresAt).toISOString();
      const when =
        daysLeft < 0 ? `has expired at ${at}` : `expires in ${round(daysLeft)} days, at ${at}`;
      yield {
        name: `certificate_expiring/${listener}/${name}`,
        message: `The certificate ${JSON.stringify(name)} of ${listener === ADMIN_LISTENER ? 'the' : 'the listener'} ${listener} ${when}.`,
        remedy:
          'Renew it, put the files in its place, and reload (SIGHUP): nobody is disconnected.',
        details: { listener, certificate: name, expires_at: at, days_left: round(daysLeft) },
      };
    }
  }
}

function* ofFailures({ minute }: Findings): Generator<Condition> {
  if (minute.logLinesDropped > 0) {
    yield {
      name: 'log_lines_dropped',
      message: `${minute.logLinesDropped} lines of the log were lost in the last minute.`,
      remedy:
        'Whoever takes the log is too slow: see its disk or reader, or raise log.max-waiting-bytes.',
      details: { lines: minute.logLinesDropped },
    };
  }
  if (minute.internalErrors > 0) {
    yield {
      name: 'internal_errors',
      message: `Something went wrong in the broker itself, ${minute.internalErrors} times in the last minute.`,
      remedy: 'The log has it with a stack: please report it.',
      details: { count: minute.internalErrors },
    };
  }
  if (minute.providerFailures > 0) {
    yield {
      name: 'authentication_failing',
      message: `Whoever says who clients are did not answer ${minute.providerFailures} times in the last minute.`,
      remedy:
        'See promptmq_provider_failures_total for which one, and whether its server can be reached.',
      details: { count: minute.providerFailures },
    };
  }
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}
