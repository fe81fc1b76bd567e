import { quoted } from '../../log/index.ts';
import type { HistoryEntry } from '../entry.ts';

const DAY_MS = 86_400_000;

/** A time for people, in local time: with its date unless it is of the last day. */
export function clock(ms: number, now: number): string {
  const date = new Date(ms);
  const two = (value: number) => `${value}`.padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (Math.abs(now - ms) < DAY_MS) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** `at 10:42:07`, or `10:42:07 to 10:43:00`. */
export function whenOf({ at, lastAt, count }: HistoryEntry, now: number): string {
  if (count === 1 || clock(at, now) === clock(lastAt, now)) return `at ${clock(at, now)}`;
  return `from ${clock(at, now)} to ${clock(lastAt, now)}`;
}

/** Why a subscription was taken away, by cause. */
const TAKEN_BY: Readonly<Record<string, string>> = {
  rules: 'the rules no longer allow it',
  hook: 'a hook refused it',
  administrator: 'somebody ended it by the API',
  cluster: 'another process of the cluster did not begin in time to route messages to it',
};

/** One line that says what happened. */
export function sentenceOf(entry: HistoryEntry): string {
  const { type, clientId, topic, cause, detail, count, userName } = entry;
  const who = quoted(clientId);
  const what = topic === null ? 'a topic that is not known' : quoted(topic);
  const times = count === 1 ? '' : `, ${count.toLocaleString('en-US')} times`;
  const why = detail === '' ? '' : ` (${detail})`;
  switch (type) {
    case 'connect': {
      const user = userName === null ? '' : ` as ${quoted(userName)}`;
      return `${who} connected${fromOf(entry)}${user}, ${cause}`;
    }
    case 'disconnect': {
      const code = entry.reasonCode.toString(16).padStart(2, '0');
      return `the connection of ${who} ended: ${cause}${fromOf(entry)} (reason code 0x${code})`;
    }
    case 'session-end':
      return `the session of ${who} ended: ${cause}${why}${fromOf(entry)}${lostWith(entry)}`;
    case 'subscribe': {
      const { qos = 0, noLocal = false } = entry.subscription ?? {};
      return `${who} subscribed to ${what} at QoS ${qos}${noLocal ? ' with No Local' : ''}`;
    }
    case 'unsubscribe': {
      if (cause === 'client') return `${who} unsubscribed from ${what}`;
      const by = TAKEN_BY[cause] ?? cause;
      return `the subscription of ${who} to ${what} was taken away: ${by}`;
    }
    case 'deny':
      return cause === 'receive'
        ? `the rules did not let ${who} have a message of ${what}${times}${why}`
        : `${who} was not allowed to ${cause} ${what}${times}${why}`;
    case 'refuse': {
      if (cause === 'connect')
        return `a CONNECT of ${who}${fromOf(entry)} was refused${times}${why}`;
      if (cause === 'packet') return `a packet of ${who} was refused${times}${why}`;
      return `${who} was refused to ${cause} ${what}${times}${why}`;
    }
    case 'drop':
      return `a message of ${what} did not go to ${who}${times}: ${cause}`;
    case 'will':
      return `the will of ${who} to ${what} was ${cause}${why}`;
  }
}

function fromOf({ address }: HistoryEntry): string {
  return address === null ? '' : ` from ${address}`;
}

function lostWith({ filterCount, waiting }: HistoryEntry): string {
  const lost: string[] = [];
  if (filterCount > 0) lost.push(counted(filterCount, 'subscription'));
  if (waiting > 0) lost.push(counted(waiting, 'waiting message'));
  return lost.length === 0 ? '' : `, with ${lost.join(' and ')}`;
}

/** Why a message was dropped, as the end of a sentence about the client. */
export function dropText({ cause, waiting }: HistoryEntry): string {
  switch (cause) {
    case 'queue-full':
      return `its queue was full${waiting > 0 ? ` (${counted(waiting, 'message')})` : ''}`;
    case 'expired':
      return 'the message expired while it waited';
    case 'packet-too-large':
      return 'the packet would have been larger than the client takes (Maximum Packet Size)';
    case 'slow-subscriber':
      return 'the client read too slowly, and more waited for it than may at QoS 0';
    case 'output-full':
      return 'too much waited for all clients together to be sent, and it is QoS 0';
    case 'not-connected':
      return 'the client was not connected, and nothing is kept for it at QoS 0';
    case 'session-ended':
      return 'its session ended while the message waited';
    case 'outside-mount-point':
      return 'the topic lies outside of the mount point of its listener';
    case 'refused-by-hook':
      return 'a hook of the program did not let it have the message';
    case 'lost':
      return 'the message was in the store, and could not be read any more';
    case 'no-local':
      return 'it published the message itself, and has subscribed with No Local';
    default:
      return cause;
  }
}

/** How a subscription ended that there was. */
export function endText(entry: HistoryEntry, now: number): string {
  const at = clock(entry.at, now);
  const by = entry.address === null ? '' : ` from ${entry.address}`;
  if (entry.type === 'unsubscribe') {
    if (entry.cause === 'client') return `the client had unsubscribed at ${at}`;
    return `the subscription was taken away at ${at}: ${TAKEN_BY[entry.cause] ?? entry.cause}`;
  }
  switch (entry.cause) {
    case 'connection over':
      return entry.detail === 'taken over'
        ? `the subscription had ended at ${at} by takeover${by}: the session was to end with its connection`
        : `the connection had ended at ${at} (${entry.detail}), and session and subscription with it`;
    case 'clean start':
      return `the subscription had ended at ${at} by a clean start${by}`;
    case 'expired':
      return `the session had expired at ${at}, and the subscription with it`;
    default:
      return `the session was ended at ${at} (${entry.cause}), and the subscription with it`;
  }
}

/** Who decided, of what an entry says about a denial: a rule or a hook, or that there was none. */
export function deniedBy(detail: string): string {
  return /^(?:no rule|the topic) /.test(detail) ? detail : `denied by ${detail}`;
}
