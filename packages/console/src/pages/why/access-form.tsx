import { useState } from 'preact/hooks';
import { post } from '../../app/api.ts';
import type { ApiFailure } from '../../app/api-failure.ts';
import { route } from '../../app/router.ts';
import { Badge, Failure, Name, Panel } from '../../parts/basic.tsx';
import { Field, type QoS, QosField, QuestionForm, TextField } from '../../parts/fields.tsx';

type Action = 'publish' | 'subscribe' | 'receive' | 'unsubscribe';

interface Question {
  /** Empty for a client without one. */
  readonly username: string;
  readonly clientid: string;
  readonly action: Action;
  readonly topic: string;
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
export function AccessPanel() {
  const { query } = route.value;
  const [username, setUsername] = useState(query.get('user') ?? '');
  const [clientid, setClientid] = useState(query.get('client') ?? '');
  const [action, setAction] = useState<Action>(actionOf(query.get('action')));
  const [topic, setTopic] = useState(query.get('topic') ?? '');
  const [qos, setQos] = useState<QoS>(0);
  const [answer, setAnswer] = useState<(Answer & { readonly question: Question }) | null>(null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);

  const ask = async () => {
    const names = username === '' ? {} : { username };
    const asked = { ...names, clientid, action, topic, qos, retain: false };
    try {
      const answered = await post<Answer>('/acl/test', asked);
      setAnswer({ ...answered, question: { username, clientid, action, topic } });
      setFailure(null);
    } catch (error) {
      setAnswer(null);
      setFailure(error as ApiFailure);
    }
  };

  return (
    <Panel title="May somebody do something, and by which rule?">
      <QuestionForm action="May it?" onAsk={() => void ask()}>
        <TextField
          label="May user"
          name="username"
          value={username}
          placeholder="nobody by name"
          onChange={setUsername}
        />
        <TextField
          label="as client"
          name="clientid"
          value={clientid}
          placeholder="client identifier"
          onChange={setClientid}
        />
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
        <TextField
          label={action === 'subscribe' || action === 'unsubscribe' ? 'filter' : 'topic'}
          name="topic"
          value={topic}
          isRequired
          onChange={setTopic}
        />
        <QosField label="at QoS" value={qos} onChange={setQos} />
      </QuestionForm>
      <Failure failure={failure} />
      {answer !== null && <Said {...answer} />}
    </Panel>
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
