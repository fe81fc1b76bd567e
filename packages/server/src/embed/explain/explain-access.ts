import type { AclAction, Decision, Identity } from '@promptmq/auth';
import { isValidTopicFilter } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import { isReserved } from '../../routing/reserved-topics.ts';
import { Arguments } from '../calls/arguments.ts';

/** What of somebody is asked whether the rules allow it. */
export interface AccessQuestion {
  /** Null for a client without a user name. */
  readonly userName: string | null;
  readonly clientId: string;
  readonly action: 'publish' | 'subscribe' | 'receive' | 'unsubscribe';
  /** A topic name; for `subscribe` and `unsubscribe` a topic filter. */
  readonly topic: string;
  /** 0 by default. */
  readonly qos?: 0 | 1 | 2 | undefined;
  /** False by default. */
  readonly retain?: boolean | undefined;
  /** Without port; where it is left out, rules for addresses don't allow. */
  readonly address?: string | undefined;
  /** What authentication would say of it. */
  readonly groups?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
}

/** What the rules say. */
export interface AccessExplanation extends Decision {
  /** Whether what the subscription brings is filtered, as rules deny a part of it. */
  readonly isFiltered: boolean;
  /**
   * Whose rules these are: those of the `connection` that this client of this user has, with all that authentication has said of it; or
   * those of the `configuration`.
   */
  readonly of: 'connection' | 'configuration';
}

const ACTIONS: readonly AclAction[] = ['publish', 'subscribe', 'receive', 'unsubscribe'];

/** @throws {EmbedError} `invalid-argument` */
export function explainAccess(broker: Broker, question: AccessQuestion): AccessExplanation {
  const { identity, action, topic, qos, retain } = checked(question);
  const { access, sessions } = broker;
  const connection = sessions.connectionOf(identity.clientId);
  const isOwn = connection !== null && connection.userName === identity.userName;
  const rights = isOwn ? connection.rights : null;
  const of = rights === null ? 'configuration' : 'connection';
  if (action === 'publish' && isReserved(Buffer.from(topic))) {
    const rule = 'topics below $SYS are the broker’s';
    return { isAllowed: false, rule, isFiltered: false, of };
  }
  // Permissions of its own are asked, as what is found out about subscriptions is noted there.
  const permissions = access.permissionsOf(rights ?? { identity, own: null, limits: null });
  const decision = permissions?.decide(action, topic, qos, retain) ?? ALLOWED;
  const isGranted = action === 'subscribe' && permissions?.maySubscribe(topic, qos) === true;
  return { ...decision, isFiltered: isGranted && permissions.filtersDelivery, of };
}

function checked(question: AccessQuestion) {
  const args = new Arguments('explainAccess');
  args.options(question, KEYS);
  const { action, groups = [], roles = [] } = question;
  const userName = question.userName === null ? null : args.text('userName', question.userName);
  const clientId = args.text('clientId', question.clientId);
  if (!ACTIONS.includes(action)) args.refuse(`action takes ${ACTIONS.join(', ')}`);
  const topic = args.text('topic', question.topic);
  const isName = action === 'publish' || action === 'receive';
  if (!isValidTopicFilter(topic) || (isName && /[+#]/.test(topic))) {
    args.refuse(`topic takes a topic ${isName ? 'name' : 'filter'}`);
  }
  const qos = args.wholeNumber('qos', question.qos ?? 0, 0, 2) as 0 | 1 | 2;
  const retain = args.flag('retain', question.retain ?? false);
  const address = question.address === undefined ? null : args.text('address', question.address);
  for (const name of [...groups, ...roles]) args.text('groups and roles', name);
  const identity: Identity = { userName, clientId, address, groups, roles };
  return { identity, action, topic, qos, retain };
}

const KEYS = [
  'userName',
  'clientId',
  'action',
  'topic',
  'qos',
  'retain',
  'address',
  'groups',
  'roles',
];

const ALLOWED: Decision = { isAllowed: true, rule: null };
