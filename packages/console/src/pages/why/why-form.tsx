import { useState } from 'preact/hooks';
import { clock } from '../../app/format.ts';
import { usePoll } from '../../app/poll.ts';
import { route, setQuery } from '../../app/router.ts';
import { Badge, Failure, Panel } from '../../parts/basic.tsx';
import { QuestionForm, TextField } from '../../parts/fields.tsx';
import { Evidence, type HistoryEntry, Sentence } from './history-list.tsx';

interface Cause {
  readonly code: string;
  readonly text: string;
  readonly evidence: readonly HistoryEntry[];
}

interface Why {
  readonly clientid: string;
  readonly topic: string;
  readonly from: number;
  readonly to: number;
  readonly cause: Cause;
  readonly also: readonly Cause[];
  readonly unknown: readonly string[];
}

/** Codes of causes that say that nothing is wrong. */
const FINE = ['sent', 'sent-later', 'shared'];

/** Asks why a client did not get what was published to a topic. */
export function WhyPanel() {
  const { query } = route.value;
  const asked = {
    clientid: query.get('client') ?? '',
    topic: query.get('topic') ?? '',
    at: query.get('at') ?? '',
  };
  const [client, setClient] = useState(asked.clientid);
  const [topic, setTopic] = useState(asked.topic);
  const [at, setAt] = useState(asked.at);
  const isAsked = asked.clientid !== '' && asked.topic !== '';
  const { data, failure, reload } = usePoll<Why>(isAsked ? '/why' : null, {
    query: asked,
    everyMs: null,
  });
  return (
    <Panel title="Why did a client not get a message?">
      <QuestionForm
        action="Why?"
        onAsk={() => {
          setQuery({ client, topic, at });
          reload();
        }}
      >
        <TextField
          label="Why did client"
          name="client"
          value={client}
          placeholder="client identifier"
          isRequired
          onChange={setClient}
        />
        <TextField
          label="not get a message to topic"
          name="topic"
          value={topic}
          isRequired
          onChange={setTopic}
        />
        <TextField label="at" name="at" value={at} placeholder="now; or 10:42" onChange={setAt} />
      </QuestionForm>
      <Failure failure={failure} />
      {isAsked && failure === null && data !== null && <Answer why={data} />}
    </Panel>
  );
}

function Answer({ why: { cause, also, unknown, from, to } }: { readonly why: Why }) {
  return (
    <div role="status">
      <div class={`verdict ${FINE.includes(cause.code) ? 'good' : 'bad'}`}>
        <Badge tone={FINE.includes(cause.code) ? 'good' : 'bad'}>{cause.code}</Badge>{' '}
        <Sentence text={cause.text} />
        <Evidence entries={cause.evidence} />
      </div>
      {also.length > 0 && (
        <>
          <h3>What else it may have been</h3>
          {also.map((other) => (
            <div key={other.text} class="also">
              <Badge>{other.code}</Badge> <Sentence text={other.text} />
              <Evidence entries={other.evidence} />
            </div>
          ))}
        </>
      )}
      <p class="muted">
        Looked at: {clock(from)} to {clock(to)}.
        {unknown.length > 0 && ` Not known: ${unknown.join('; ')}.`}
      </p>
    </div>
  );
}
