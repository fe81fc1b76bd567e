import { useState } from 'preact/hooks';
import { post } from '../../app/api.ts';
import type { ApiFailure } from '../../app/api-failure.ts';
import { route } from '../../app/router.ts';
import { Badge, Failure, Name } from '../../parts/basic.tsx';
import { Field } from '../../parts/fields.tsx';

type Action = 'publish' | 'subscribe' | 'receive' | 'unsubscribe';

interface Question {
  readonly username: string | null;
  readonly clientid: string;
  readonly action: Action;
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
}

interface Answer {
  readonly allowed: boolean;
  readonly rule: string | null;
  readonly filtered?: boolean;
  readonly of: 'connection' | 'configuration';
}

const VERBS: Readonly<Record<Action, string>> = {
  publish: 'publish to',
  subscribe: 'subscribe to',
  receive: 'get messages of',
  unsubscribe: 'unsubscribe from',
};

function actionOf(text: string | null): Action {
  return text !== null && Object.hasOwn(VERBS, text) ? (text as Action) : 'publish';
}

/** May somebody do something, and by which rule? The address may have what is asked. */
export function AccessForm() {
  const { query } = route.value;
  const [username, setUsername] = useState(query.get('user') ?? '');
  const [clientid, setClientid] = useState(query.get('client') ?? '');
  const [action, setAction] = useState<Action>(actionOf(query.get('action')));
  const [topic, setTopic] = useState(query.get('topic') ?? '');
  const [qos, setQos] = useState('0');
  const [answer, setAnswer] = useState<(Answer & { readonly question: Question }) | null>(null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    const question: Question = {
      username: username === '' ? null : username,
      clientid,
      action,
      topic,
      qos: Number(qos),
      retain: false,
    };
    try {
      const { username: user, ...others } = question;
      const asked = user === null ? others : question;
      setAnswer({ ...(await post<Answer>('/acl/test', asked)), question });
      setFailure(null);
    } catch (error) {
      setAnswer(null);
      setFailure(error as ApiFailure);
    }
  };

  return (
    <>
      <form class="question" onSubmit={submit}>
        <Field label="May user">
          <input
            name="username"
            value={username}
            placeholder="nobody by name"
            onInput={(event) => setUsername(event.currentTarget.value)}
          />
        </Field>
        <Field label="as client">
          <input
            name="clientid"
            value={clientid}
            placeholder="client identifier"
            onInput={(event) => setClientid(event.currentTarget.value)}
          />
        </Field>
        <Field label="do">
          <select
            name="action"
            value={action}
            onChange={(event) => setAction(event.currentTarget.value as Action)}
          >
            {Object.entries(VERBS).map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </Field>
        <Field label={action === 'subscribe' || action === 'unsubscribe' ? 'filter' : 'topic'}>
          <input
            name="topic"
            value={topic}
            required
            onInput={(event) => setTopic(event.currentTarget.value)}
          />
        </Field>
        <Field label="at QoS">
          <select value={qos} onChange={(event) => setQos(event.currentTarget.value)}>
            <option>0</option>
            <option>1</option>
            <option>2</option>
          </select>
        </Field>
        <button type="submit" class="primary">
          May it?
        </button>
      </form>
      <Failure failure={failure} />
      {answer !== null && <Said {...answer} />}
    </>
  );
}

function Said({ allowed, rule, filtered, of, question }: Answer & { readonly question: Question }) {
  const { username, clientid, action, topic } = question;
  return (
    <p class={`verdict ${allowed ? 'good' : 'bad'}`} role="status">
      <Badge tone={allowed ? 'good' : 'bad'}>{allowed ? 'Yes' : 'No'}</Badge>{' '}
      <Name value={username} none={clientid === '' ? 'a client without a name' : clientid} />{' '}
      {allowed ? 'may' : 'may not'} {VERBS[action]} <Name value={topic} />.{' '}
      {rule === null ? (
        allowed ? (
          'Nothing forbids it.'
        ) : (
          'No rule allows it.'
        )
      ) : (
        <>
          Decided by: <Name value={rule} />.
        </>
      )}{' '}
      {filtered === true && 'Some of what it matches is not delivered, as rules deny that. '}
      <span class="muted">
        {of === 'connection'
          ? 'These are the rules of the connection that it has.'
          : 'These are the rules of the configuration; no such client is connected.'}
      </span>
    </p>
  );
}
