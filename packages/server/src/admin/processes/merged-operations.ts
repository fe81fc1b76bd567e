import { cellOf } from '@promptmq/cluster';
import type { ApiBase } from '../api/api-host.ts';
import { type Operation, SCOPES } from '../api/operation.ts';
import { apiKeyOperations } from '../routes/api-keys.ts';
import { auditOperations } from '../routes/audit.ts';
import { configOperations } from '../routes/configs.ts';
import { OPERATIONS } from '../routes/index.ts';
import { sessionOperations } from '../routes/session.ts';
import { namedTraceOperations } from '../routes/traces.ts';
import type { TracedEvent, TraceTarget } from '../traces/named-trace.ts';
import type { FollowTarget } from '../traces/named-traces.ts';
import { Asking } from './asking.ts';
import { followProcesses } from './event-source.ts';
import type { ServingProcesses } from './host.ts';
import type { Rule } from './rule.ts';
import { accessRules } from './rules/access.ts';
import { clientRules } from './rules/clients.ts';
import { figureRules } from './rules/figures.ts';
import { listRules } from './rules/lists.ts';
import { messageRules } from './rules/messages.ts';
import { streamRules } from './rules/streams.ts';
import { topicRules } from './rules/topics.ts';

/** What this process answers by itself. */
const OWN: ReadonlyMap<string, Operation<ApiBase>> = new Map(
  [
    ...sessionOperations,
    ...apiKeyOperations,
    ...auditOperations,
    ...configOperations,
    ...namedTraceOperations,
  ].map((operation) => [operation.id, operation]),
);

const RULES: ReadonlyMap<string, Rule> = new Map(
  Object.entries({
    ...figureRules,
    ...clientRules,
    ...topicRules,
    ...listRules,
    ...accessRules,
    ...messageRules,
    ...streamRules,
  }),
);

/** All operations, carried out by the processes that have the clients. */
export function mergedOperations(processes: ServingProcesses): readonly Operation<ApiBase>[] {
  return OPERATIONS.map((operation) => {
    const own = OWN.get(operation.id);
    if (own !== undefined) return own;
    const rule = RULES.get(operation.id);
    if (rule === undefined) throw new Error(`there is no rule for ${operation.id}`);
    const { handle: _, ...description } = operation;
    return { ...description, handle: (call) => rule(call, new Asking(processes, call), processes) };
  });
}

/** Traces are of the broker, and not of somebody. */
const TRACER = { name: 'trace', kind: 'socket', scopes: new Set(SCOPES), address: null } as const;

/** Has what happens to the target of a trace noted, whichever process it happens in. */
export function followTargetIn(processes: ServingProcesses): FollowTarget {
  return (target, note) =>
    followProcesses(
      processes,
      {
        method: 'POST',
        target: () => '/process/trace',
        body: target,
        caller: TRACER,
        onEvent: (_, { name, data }) => {
          if (name !== 'trace') return;
          // How many have subscribed is known of one process only.
          const { matched, ...event } = JSON.parse(data) as TracedEvent;
          note(event as TracedEvent);
        },
        onGap: () => {},
      },
      ({ cell }) => isMeant(target, cell, processes.cellCount),
    ).end;
}

/** Packets of a client are seen where it is, and all else everywhere. */
function isMeant(target: TraceTarget, cell: number, cellCount: number): boolean {
  return target.type !== 'clientid' || cellOf(target.clientid, cellCount) === cell;
}
