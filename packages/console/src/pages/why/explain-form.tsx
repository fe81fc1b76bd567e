import { useState } from 'preact/hooks';
import { route, setQuery } from '../../app/router.ts';
import { Panel } from '../../parts/basic.tsx';
import { type QoS, QosField, QuestionForm, TextField } from '../../parts/fields.tsx';
import { ExplainResult } from './explain-result.tsx';

/** Asks who would get a message to a topic. */
export function ExplainPanel() {
  const { query } = route.value;
  const asked = query.get('topic') ?? '';
  const askedFrom = query.get('from') ?? '';
  const askedQos = query.get('qos') ?? '0';
  const [topic, setTopic] = useState(asked);
  const [from, setFrom] = useState(askedFrom);
  const [qos, setQos] = useState<QoS>(askedQos === '1' ? 1 : askedQos === '2' ? 2 : 0);
  return (
    <Panel title="Who would get a message to a topic?">
      <QuestionForm
        action="Who would get it?"
        onAsk={() => setQuery({ topic, from, qos: qos === 0 ? null : qos })}
      >
        <TextField
          label="Topic"
          name="topic"
          value={topic}
          placeholder="devices/7/state"
          isRequired
          onChange={setTopic}
        />
        <TextField
          label="Published by (client identifier)"
          name="from"
          value={from}
          placeholder="anybody"
          onChange={setFrom}
        />
        <QosField value={qos} onChange={setQos} />
      </QuestionForm>
      <ExplainResult topic={asked} from={askedFrom} qos={askedQos} />
    </Panel>
  );
}
