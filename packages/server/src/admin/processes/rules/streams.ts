import type { TailLine } from '../../../log/index.ts';
import { type Answer, eventsAnswer } from '../../api/operation.ts';
import { type Asked, readerOf, typesOf } from '../../routes/events.ts';
import { wanted } from '../../routes/logs.ts';
import type { EventFeed } from '../../streams/event-feed.ts';
import { gapAfter } from '../../streams/event-feed.ts';
import { type AnyCall, type Asking, targetWith } from '../asking.ts';
import { followProcesses } from '../event-source.ts';
import type { ServingProcesses } from '../host.ts';
import type { Rules } from '../rule.ts';

/** A process stops, or has been asked for something twice: that is no event of the broker. */
const OF_STREAM = 'stopping';

/** What happens in all processes. Each makes its part of the events that a reader may have. */
async function followEvents(
  call: AnyCall,
  asking: Asking,
  processes: ServingProcesses,
): Promise<Answer> {
  const { host, caller } = call;
  const asked = call.query as Asked;
  typesOf(asked);
  const { eventRateMax } = host.streams;
  const rate = Math.min(asked.rate ?? eventRateMax, eventRateMax);
  const own = Math.max(1, Math.floor(rate / asking.cellCount));
  let begun: Promise<unknown> = Promise.resolve();
  const follow = (send: EventFeed['send']) => {
    const isTold = new Set<string>();
    const following = followProcesses(processes, {
      method: 'GET',
      target: () => targetWith(call, '/events', { rate: own }),
      caller,
      onEvent: (_, { name, data }) => {
        if (name === OF_STREAM) return;
        const event = JSON.parse(data) as Readonly<Record<string, unknown>>;
        if (name === 'pause' && rate === eventRateMax && !isTold.has(`${event['type']}`)) {
          isTold.add(`${event['type']}`);
          host.streams.noteLimited(caller.name, `${event['type']}`);
        }
        send(name, name === 'message' ? withoutMatched(event) : event);
      },
      onGap: () => send('gap', gapAfter('', null)),
    });
    begun = following.begun;
    return () => following.end();
  };
  const opened = host.feeds.open(readerOf({ ...call, query: asked }), follow);
  await begun;
  return eventsAnswer(opened);
}

/** It is known only how many of the publisher's own process have subscribed. */
function withoutMatched(event: Readonly<Record<string, unknown>>): object {
  const { matched: _, ...others } = event;
  return others;
}

/** Packets of a client, whose process may be started again meanwhile. */
async function traceClient(
  call: AnyCall,
  asking: Asking,
  processes: ServingProcesses,
): Promise<Answer> {
  const { host, caller, params } = call;
  const { cell } = asking.ofClient(params.clientid);
  const target = `/clients/~/trace?clientid=${encodeURIComponent(params.clientid)}`;
  let begun: Promise<unknown> = Promise.resolve();
  const opened = host.streams.open(caller.name, 'trace', (stream) => {
    const following = followProcesses(
      processes,
      {
        method: 'GET',
        target: () => target,
        caller,
        onEvent: (_, { name, data }) => {
          if (name !== OF_STREAM) stream.sendJson(name, data);
        },
        onGap: () => {},
      },
      (process) => process.cell === cell,
    );
    begun = following.begun;
    return () => following.end();
  });
  await begun;
  return eventsAnswer(opened);
}

// -------------------------------------------------------------------------- log

interface Line {
  readonly line: TailLine;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Lines of all processes: the last ones in the order of their times, then each as it is written. Their identifiers are times. */
async function followLog(
  call: AnyCall,
  asking: Asking,
  processes: ServingProcesses,
): Promise<Answer> {
  const { host, caller, query, headers } = call;
  const isWanted = wanted(query.level, query.filter, caller.scopes.has('config'));
  const since = Number(headers.get('last-event-id') ?? 0) || 0;
  const parts = await asking.askAll<TailLine[]>(() => ({ target: '/process/log' }));
  const lastIds = new Map(parts.map(({ process, data }) => [process, data.at(-1)?.id ?? 0]));
  const before = [...parts.flatMap(({ data }) => data), ...(host.logTail?.last() ?? [])]
    .filter(isWanted)
    .map(timed)
    .filter(({ at }) => at > since)
    .sort((one, other) => one.at - other.at);
  const opened = host.streams.open(caller.name, 'log', (stream) => {
    const send = ({ line, at }: Line) => stream.sendJson('log', line.json, at);
    for (const one of query.lines === 0 ? [] : before.slice(-query.lines)) send(one);
    const sendWanted = (line: TailLine) => {
      if (isWanted(line)) send(timed(line));
    };
    const unfollow = host.logTail?.follow(sendWanted) ?? (() => {});
    const following = followProcesses(processes, {
      method: 'GET',
      target: (process) => `/process/log/lines?after=${lastIds.get(process) ?? 0}`,
      caller,
      onEvent: (_, { name, data }) => {
        if (name === 'line') sendWanted(JSON.parse(data) as TailLine);
      },
      onGap: () => {},
    });
    return () => {
      unfollow();
      following.end();
    };
  });
  return eventsAnswer(opened);
}

function timed(line: TailLine): Line {
  const { time } = JSON.parse(line.json) as { readonly time: string };
  return { line, at: Date.parse(time) };
}

export const streamRules: Rules = { followEvents, traceClient, followLog };
