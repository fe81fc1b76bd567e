import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, type Page } from '../../app/api.ts';
import type { ApiFailure } from '../../app/api-failure.ts';
import { sampleMessages } from '../../app/sampled-messages.ts';
import { isVisible } from '../../app/visible.ts';
import { TopicTree } from '../../model/topic-tree.ts';
import { lastOfRetained, type RetainedSummary } from './retained-message.ts';
import { readLevels } from './topic-levels.ts';

/** A tree that is kept up to date. */
export interface TopicWatch {
  readonly tree: TopicTree;
  readonly failure: ApiFailure | null;
  /** Whether more is published than is looked at: then rates are higher than they are shown. */
  readonly isPart: boolean;
  /** How many messages are retained that match, where they were all counted, and of how many of them the page knows. */
  readonly retained: { readonly count: number | null; readonly taken: number } | null;
  /** Whether there are other first levels. */
  readonly hasOthers: boolean;
  /** Reads what is below a topic whose node has `more`. */
  open(topic: string): void;
  /** Reads what is retained again. */
  reload(): void;
}

/** Bytes of a payload that a line can show. */
const PAYLOAD_BYTES = 256;

/** Retained messages that are read, in pages. */
const RETAINED_MAX = 3000;
const RETAINED_PAGE = 1000;

/** Of all topics, those that are there already are known by their levels, however many there are. */
const ALL = '#';

/**
 * Watches the topics that match a filter, while the page can be seen.
 *
 * @param isSearching - whether topics are looked for that may lie anywhere
 */
export function useTopicWatch(filter: string, isOn: boolean, isSearching: boolean): TopicWatch {
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const [isPart, setIsPart] = useState(false);
  const [retained, setRetained] = useState<TopicWatch['retained']>(null);
  const [hasOthers, setHasOthers] = useState(false);
  const [, setTurn] = useState(0);
  const [reloads, setReloads] = useState(0);
  const tree = useMemo(() => new TopicTree(), [filter, reloads]);
  const reading = useRef<AbortController | null>(null);
  const isWatching = isOn && isVisible.value;
  const isByLevels = filter === ALL && !isSearching;

  const read = (work: (signal: AbortSignal) => Promise<void>) => {
    const signal = reading.current?.signal;
    if (signal === undefined) return;
    work(signal).then(
      () => setTurn((turn) => turn + 1),
      (error: ApiFailure) => {
        if (!signal.aborted) setFailure(error);
      },
    );
  };

  useEffect(() => {
    const abort = new AbortController();
    reading.current = abort;
    setRetained(null);
    setHasOthers(false);
    setFailure(null);
    read(async (signal) => {
      if (!isByLevels) {
        await readRetained(filter, tree, signal, setRetained);
        return;
      }
      const found = await readLevels(null, tree, PAYLOAD_BYTES, signal);
      setRetained({ count: found.isCounted ? found.retained : null, taken: found.retained });
      setHasOthers(found.hasOthers);
    });
    return () => abort.abort();
  }, [tree, isByLevels]);

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

  const open = (topic: string) =>
    read(async (signal) => {
      // The first level is empty: there is no parameter that says so.
      if (topic === '') await readRetained('/#', tree, signal, () => {});
      else await readLevels(topic, tree, PAYLOAD_BYTES, signal);
    });

  const reload = () => setReloads((count) => count + 1);
  return { tree, failure, isPart, retained, hasOthers, open, reload };
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
