import { useEffect, useState } from 'preact/hooks';
import { get, type Page } from '../../app/api.ts';
import type { ApiFailure } from '../../app/api-failure.ts';
import { sampleMessages } from '../../app/sampled-messages.ts';
import { isVisible } from '../../app/visible.ts';
import { TopicTree } from '../../model/topic-tree.ts';
import { lastOfRetained, type RetainedSummary } from './retained-message.ts';

/** A tree that is kept up to date. */
export interface TopicWatch {
  readonly tree: TopicTree;
  readonly failure: ApiFailure | null;
  /** Whether more is published than is looked at: then rates are higher than they are shown. */
  readonly isPart: boolean;
  /** How many messages are retained, where the broker counts them, and how many of them are in the tree. */
  readonly retained: { readonly count: number | null; readonly taken: number } | null;
  /** Reads what is retained again. */
  reload(): void;
}

/** Bytes of a payload that a line can show. */
const PAYLOAD_BYTES = 256;

/** Retained messages that are read, in pages. */
const RETAINED_MAX = 3000;
const RETAINED_PAGE = 1000;

/** Watches the topics that match a filter, while the page can be seen. */
export function useTopicWatch(filter: string, isOn: boolean): TopicWatch {
  const [tree, setTree] = useState(() => new TopicTree());
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const [isPart, setIsPart] = useState(false);
  const [retained, setRetained] = useState<TopicWatch['retained']>(null);
  const [, setTurn] = useState(0);
  const [reloads, setReloads] = useState(0);
  const isWatching = isOn && isVisible.value;

  useEffect(() => {
    const abort = new AbortController();
    const fresh = new TopicTree();
    setTree(fresh);
    setRetained(null);
    setFailure(null);
    readRetained(filter, fresh, abort.signal, setRetained).catch((error: ApiFailure) => {
      if (!abort.signal.aborted) setFailure(error);
    });
    return () => abort.abort();
  }, [filter, reloads]);

  useEffect(() => {
    if (!isWatching) return;
    const abort = new AbortController();
    void sampleMessages({
      filter,
      payloadBytes: PAYLOAD_BYTES,
      signal: abort.signal,
      onSample(sample) {
        for (const message of sample.messages) tree.note(message.topic, message);
        tree.tick(sample.seconds);
        setIsPart(sample.isPart);
        setFailure(null);
        setTurn((turn) => turn + 1);
      },
      onFailure: setFailure,
    });
    return () => abort.abort();
  }, [filter, tree, isWatching]);

  return { tree, failure, isPart, retained, reload: () => setReloads((count) => count + 1) };
}

async function readRetained(
  filter: string,
  tree: TopicTree,
  signal: AbortSignal,
  onTaken: (retained: TopicWatch['retained']) => void,
): Promise<void> {
  let taken = 0;
  for (let page = 1; taken < RETAINED_MAX; page++) {
    const { data, meta } = await get<Page<RetainedSummary>>('/mqtt/retainer/messages', {
      query: { topic: filter, page, limit: RETAINED_PAGE, payload_bytes: PAYLOAD_BYTES },
      signal,
    });
    for (const message of data) tree.noteRetained(message.topic, lastOfRetained(message));
    taken += data.length;
    onTaken({ count: meta.count ?? null, taken });
    if (!meta.hasnext) return;
  }
}
