import { useState } from 'preact/hooks';
import { route, setQuery } from '../../app/router.ts';
import { Field } from '../../parts/fields.tsx';
import { ExplainResult } from './explain-result.tsx';

/** Asks who would get a message to a topic. */
export function ExplainForm() {
  const { query } = route.value;
  const asked = query.get('topic') ?? '';
  const askedFrom = query.get('from') ?? '';
  const askedQos = query.get('qos') ?? '0';
  const [topic, setTopic] = useState(asked);
  const [from, setFrom] = useState(askedFrom);
  const [qos, setQos] = useState(askedQos);
  return (
    <>
      <form
        class="question"
        onSubmit={(event) => {
          event.preventDefault();
          setQuery({ topic, from, qos: qos === '0' ? null : qos });
        }}
      >
        <Field label="Topic">
          <input
            name="topic"
            value={topic}
            required
            placeholder="devices/7/state"
            onInput={(event) => setTopic(event.currentTarget.value)}
          />
        </Field>
        <Field label="Published by (client identifier)">
          <input
            name="from"
            value={from}
            placeholder="anybody"
            onInput={(event) => setFrom(event.currentTarget.value)}
          />
        </Field>
        <Field label="QoS">
          <select value={qos} onChange={(event) => setQos(event.currentTarget.value)}>
            <option>0</option>
            <option>1</option>
            <option>2</option>
          </select>
        </Field>
        <button type="submit" class="primary">
          Who would get it?
        </button>
      </form>
      <ExplainResult topic={asked} from={askedFrom} qos={askedQos} />
    </>
  );
}
