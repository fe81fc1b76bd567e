import { computed, signal } from '@preact/signals';
import { MqttClient } from '../../mqtt/mqtt-client.ts';
import type { ConnectFields, Message, Received, Subscription } from '../../mqtt/packets.ts';
import type { Properties } from '../../mqtt/properties.ts';
import { reasonText } from '../../mqtt/reason-codes.ts';

/** What happened, newest first: messages in both directions, and what was answered. */
export interface Happening {
  readonly id: number;
  readonly at: number;
  readonly kind: 'in' | 'out' | 'note' | 'fault';
  /** In words; for messages the topic. */
  readonly title: string;
  readonly message: (Message & { readonly duplicate?: boolean }) | null;
  readonly properties: Properties | null;
}

export type ConnectionState = 'closed' | 'connecting' | 'connected';

/** Things that are kept of what happened, and bytes of their payloads. */
const HAPPENINGS_MAX = 200;
const BYTES_MAX = 8_000_000;

/** Messages that come faster than this a second are counted, and not shown one by one. */
const SHOWN_PER_SECOND = 50;

/**
 * The connection of the page "Try it". It lives as long as the console is open, whichever page is shown: who looks something up
 * comes back to it as it was.
 */
export const state = signal<ConnectionState>('closed');
export const happenings = signal<readonly Happening[]>([]);
export const subscriptions = signal<readonly (Subscription & { readonly granted: number })[]>([]);
export const received = signal(0);
/** Of those received, how many were too many to be shown. */
export const notShown = signal(0);
export const clientId = signal('');
export const isConnected = computed(() => state.value === 'connected');

let client: MqttClient | null = null;
let nextId = 1;
let second = 0;
let shownInSecond = 0;

/** Ends the connection that there is, and opens another one. */
export function connect(url: string, fields: ConnectFields): void {
  disconnect();
  state.value = 'connecting';
  subscriptions.value = [];
  clientId.value = fields.clientId;
  try {
    const own: MqttClient = new MqttClient(url, fields, {
      onConnected(connack) {
        if (client !== own) return;
        state.value = 'connected';
        clientId.value = connack.properties.assignedClientIdentifier ?? fields.clientId;
        const session = connack.sessionPresent ? 'its session was there' : 'a new session';
        note('note', `connected as ${clientId.value}: ${session}`, null, connack.properties);
      },
      onMessage: (message) => {
        if (client === own) onMessage(message);
      },
      onClosed(reason) {
        if (client !== own) return;
        client = null;
        state.value = 'closed';
        note(reason === 'disconnected' ? 'note' : 'fault', reason);
      },
    });
    client = own;
  } catch (error) {
    state.value = 'closed';
    note('fault', (error as Error).message);
  }
}

export function disconnect(): void {
  const ending = client;
  client = null;
  if (ending === null) return;
  ending.end();
  state.value = 'closed';
  subscriptions.value = [];
  note('note', 'disconnected');
}

export async function publish(message: Message): Promise<void> {
  await attempt(`publish to ${message.topic}`, async (own) => {
    const answer = await own.publish(message);
    const said = answer === null ? 'sent' : reasonText(answer.reasonCode);
    const because = answer?.reasonString == null ? '' : ` (${answer.reasonString})`;
    const kind = answer !== null && answer.reasonCode >= 0x80 ? 'fault' : 'out';
    note(kind, `${message.topic} – ${said}${because}`, message);
  });
}

export async function subscribe(subscription: Subscription, identifier: number | null) {
  await attempt(`subscribe to ${subscription.filter}`, async (own) => {
    const properties = identifier === null ? {} : { subscriptionIdentifier: identifier };
    const { reasonCode, reasonString } = await own.subscribe(subscription, properties);
    const because = reasonString === null ? '' : ` (${reasonString})`;
    if (reasonCode >= 0x80) {
      note('fault', `${subscription.filter} is refused: ${reasonText(reasonCode)}${because}`);
      return;
    }
    const others = subscriptions.value.filter(({ filter }) => filter !== subscription.filter);
    subscriptions.value = [...others, { ...subscription, granted: reasonCode }];
    note('note', `subscribed to ${subscription.filter} at QoS ${reasonCode}`);
  });
}

export async function unsubscribe(filter: string): Promise<void> {
  await attempt(`unsubscribe from ${filter}`, async (own) => {
    const { reasonCode } = await own.unsubscribe(filter);
    subscriptions.value = subscriptions.value.filter((each) => each.filter !== filter);
    note('note', `unsubscribed from ${filter}: ${reasonText(reasonCode)}`);
  });
}

export function clear(): void {
  happenings.value = [];
  received.value = 0;
  notShown.value = 0;
}

async function attempt(what: string, act: (own: MqttClient) => Promise<void>): Promise<void> {
  const own = client;
  if (own === null) return;
  try {
    await act(own);
  } catch (error) {
    note('fault', `${what}: ${(error as Error).message}`);
  }
}

function onMessage(message: Extract<Received, { type: 'publish' }>): void {
  received.value++;
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    shownInSecond = 0;
  }
  shownInSecond++;
  if (shownInSecond > SHOWN_PER_SECOND) {
    notShown.value++;
    return;
  }
  note('in', message.topic, message, message.properties);
}

function note(
  kind: Happening['kind'],
  title: string,
  message: Happening['message'] = null,
  properties: Properties | null = message?.properties ?? null,
): void {
  const added = { id: nextId++, at: Date.now(), kind, title, message, properties };
  const kept: Happening[] = [];
  let bytes = 0;
  for (const happening of [added, ...happenings.value]) {
    bytes += happening.message?.payload.length ?? 0;
    if (kept.length > 0 && (bytes > BYTES_MAX || kept.length === HAPPENINGS_MAX)) break;
    kept.push(happening);
  }
  happenings.value = kept;
}
