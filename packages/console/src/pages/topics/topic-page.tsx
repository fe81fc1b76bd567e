import { useEffect, useState } from 'preact/hooks';
import { path, remove } from '../../app/api.ts';
import type { ApiFailure } from '../../app/api-failure.ts';
import { bytes, clock, count, duration, short, visible } from '../../app/format.ts';
import type { Page, PageProps } from '../../app/page.ts';
import { usePoll } from '../../app/poll.ts';
import { sampleMessages } from '../../app/sampled-messages.ts';
import { may } from '../../app/session.ts';
import { isVisible } from '../../app/visible.ts';
import type { SeenMessage } from '../../model/message-event.ts';
import { payloadLine } from '../../model/payload.ts';
import { Empty, Facts, Failure, Name, PageHead, Panel } from '../../parts/basic.tsx';
import { FormDialog } from '../../parts/dialog.tsx';
import { Payload } from '../../parts/payload.tsx';
import { ExplainResult } from '../why/explain-result.tsx';
import { PublishDialog, type PublishDraft } from './publish-dialog.tsx';
import { type RetainedMessage, retainedBytes } from './retained-message.ts';

const RECENT_MAX = 50;

let nextId = 1;

/** Bytes of a payload that are taken of what is published. */
const PAYLOAD_BYTES = 65_536;

/** One topic: what is retained, what comes, and who gets it. */
export function TopicPage({ params }: PageProps) {
  const topic = params['topic'] ?? '';
  const retained = usePoll<RetainedMessage>(path`/mqtt/retainer/message/${topic}`, {
    everyMs: 5000,
  });
  const recent = useRecent(topic);
  const [isDeleting, setDeleting] = useState(false);
  const [draft, setDraft] = useState<PublishDraft | null>(null);
  const isThere = retained.failure?.status !== 404 && retained.data?.topic === topic;
  const message = isThere ? retained.data : null;

  return (
    <>
      <PageHead title={<Name value={topic} />} about={<a href="#/topics">Topics</a>}>
        {may('publish') && (
          <>
            <button
              type="button"
              onClick={() => setDraft({ topic, payload: new Uint8Array(0), qos: 0, retain: false })}
            >
              Publish …
            </button>
            {message !== null && (
              <>
                <button
                  type="button"
                  onClick={() =>
                    setDraft({
                      topic,
                      payload: retainedBytes(message) ?? new Uint8Array(0),
                      qos: message.qos as 0 | 1 | 2,
                      retain: true,
                    })
                  }
                >
                  Edit retained …
                </button>
                <button type="button" class="danger" onClick={() => setDeleting(true)}>
                  Clear retained …
                </button>
              </>
            )}
          </>
        )}
      </PageHead>
      {retained.failure?.status !== 404 && <Failure failure={retained.failure} />}
      <div class="columns">
        <Panel title="Retained">
          {message === null ? <Empty>Nothing is retained.</Empty> : <Retained message={message} />}
        </Panel>
        <Recent {...recent} />
      </div>
      <Panel title="Who would get a message" isFlush>
        <ExplainResult topic={topic} />
      </Panel>
      {isDeleting && (
        <FormDialog
          title="Clear the retained message"
          action="Clear"
          isDangerous
          onSubmit={async () => {
            await remove(path`/mqtt/retainer/message/${topic}`);
            retained.reload();
          }}
          onClose={() => setDeleting(false)}
        >
          <p>
            What is retained of <Name value={topic} /> is gone then. Subscribers are sent nothing.
          </p>
        </FormDialog>
      )}
      {draft !== null && (
        <PublishDialog
          draft={draft}
          onClose={() => {
            setDraft(null);
            retained.reload();
          }}
        />
      )}
    </>
  );
}

function Retained({ message }: { readonly message: RetainedMessage }) {
  const {
    qos,
    from_clientid: from,
    expires_in: expiresIn,
    properties,
    payload_size: size,
  } = message;
  const payload = retainedBytes(message);
  return (
    <>
      <Facts
        facts={[
          ['QoS', qos],
          ['By', from === null ? 'no client' : <Client key="by" id={from} />],
          ['Expires', expiresIn === null ? 'never' : `in ${duration(expiresIn)}`],
          ...propertyFacts(properties ?? {}),
        ]}
      />
      {payload === null ? (
        <p class="muted">It has {bytes(size)}: more than can be shown here.</p>
      ) : (
        <Payload bytes={payload} />
      )}
    </>
  );
}

function Client({ id }: { readonly id: string }) {
  return (
    <a href={`#${path`/clients/${id}`}`}>
      <Name value={id} />
    </a>
  );
}

/** Properties of MQTT 5 as terms and values. */
function propertyFacts(properties: Readonly<Record<string, unknown>>) {
  return Object.entries(properties).flatMap(([name, value]) => {
    if (name === 'user_properties') return userFacts(value as Readonly<Record<string, unknown>>);
    return value == null ? [] : [fact(name.replaceAll('_', ' '), value)];
  });
}

function userFacts(properties: Readonly<Record<string, unknown>>) {
  return Object.entries(properties).map(([name, value]) => fact(`“${visible(name)}”`, value));
}

function fact(name: string, value: unknown) {
  const text = typeof value === 'object' ? JSON.stringify(value) : `${value}`;
  return [name, <Name key={name} value={text} />] as const;
}

function Recent({ messages, rate, isPart, failure }: RecentMessages) {
  const [open, setOpen] = useState<SeenMessage | null>(null);
  const title = rate > 0 ? `Live, ${short(rate)} a second` : 'Live';
  return (
    <Panel title={title}>
      <Failure failure={failure} />
      {isPart && (
        <p class="muted">More comes than is shown: this is a sample, and the rate is higher.</p>
      )}
      {messages.length === 0 && <Empty>Nothing was published since this page was opened.</Empty>}
      <ol class="lines tall">
        {messages.map((message) => (
          <li key={message.id}>
            <button
              type="button"
              class="line"
              aria-expanded={open === message}
              onClick={() => setOpen(open === message ? null : message)}
            >
              <time class="muted">{clock(message.at)}</time>
              <Name value={message.publisher} none="the program" max={30} />
              <span class="muted">QoS {message.qos}</span>
              <code class="grow">
                <Name value={payloadLine(message.payload, 100)} />
              </code>
              <span class="muted">{bytes(message.size)}</span>
            </button>
            {open === message && (
              <div class="more">
                <Payload bytes={message.payload} />
                {message.payload.length < message.size && (
                  <p class="muted">
                    The first {count(message.payload.length)} of {count(message.size)} bytes were
                    sent here.
                  </p>
                )}
                <Facts facts={propertyFacts(message.properties)} />
              </div>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

interface RecentMessages {
  /** The newest first. */
  readonly messages: readonly (SeenMessage & { readonly id: number })[];
  readonly rate: number;
  readonly isPart: boolean;
  readonly failure: ApiFailure | null;
}

function useRecent(topic: string): RecentMessages {
  const [recent, setRecent] = useState<RecentMessages>(NONE);
  const isOn = isVisible.value;
  useEffect(() => setRecent(NONE), [topic]);
  useEffect(() => {
    if (!isOn) return;
    const abort = new AbortController();
    void sampleMessages({
      filter: topic,
      payloadBytes: PAYLOAD_BYTES,
      signal: abort.signal,
      onSample({ messages, seconds, isPart }) {
        const added = messages.map((message) => ({ ...message, id: nextId++ })).reverse();
        const rate = messages.length / seconds;
        setRecent((before) => ({
          messages: [...added, ...before.messages].slice(0, RECENT_MAX),
          rate,
          isPart,
          failure: null,
        }));
      },
      onFailure: (failure) => setRecent((before) => ({ ...before, failure })),
    });
    return () => abort.abort();
  }, [topic, isOn]);
  return recent;
}

const NONE: RecentMessages = { messages: [], rate: 0, isPart: false, failure: null };

export const topicPage: Page = {
  path: '/topics/:topic',
  title: 'Topic',
  View: TopicPage,
};
