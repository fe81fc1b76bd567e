import { useState } from 'preact/hooks';
import { path } from '../../app/api.ts';
import { bytes, count, short } from '../../app/format.ts';
import type { Page } from '../../app/page.ts';
import { route, setQuery } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { payloadLine } from '../../model/payload.ts';
import type { LastMessage, TopicNode } from '../../model/topic-tree.ts';
import { Ago, Badge, Empty, Failure, Name, PageHead, Panel } from '../../parts/basic.tsx';
import { Choice, SearchField } from '../../parts/fields.tsx';
import { type ClearedFilter, ClearRetained } from './clear-retained.tsx';
import { useTopicWatch } from './topic-watch.ts';
import { type Order, rowsOf, type TreeRow } from './tree-rows.ts';

/** Topics as a tree, with what was published last, by whom, and how much. */
export function TopicsPage() {
  const { query } = route.value;
  const filter = query.get('filter') || '#';
  const search = query.get('search') ?? '';
  const order: Order = query.get('order') === 'rate' ? 'rate' : 'name';
  const [isOn, setOn] = useState(true);
  const [open, setOpen] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [clearing, setClearing] = useState<ClearedFilter | null>(null);
  const watch = useTopicWatch(filter, isOn, search !== '');
  const { tree } = watch;
  const { rows, moreCount } = rowsOf(tree.root, { open, search, order });
  const isPart = watch.hasOthers || rows.some(({ node }) => node.more !== null);
  const toggle = ({ topic, more }: TopicNode, isOpen: boolean) => {
    if (isOpen && more !== null) watch.open(topic);
    setOpen(new Map(open).set(topic, isOpen));
  };

  return (
    <>
      <PageHead
        title="Topics"
        about="What is retained, and what is published while this page is open."
      >
        <button type="button" aria-pressed={!isOn} onClick={() => setOn(!isOn)}>
          {isOn ? 'Pause' : 'Continue'}
        </button>
        {may('publish') && (
          <button
            type="button"
            onClick={() => setClearing({ filter: filter === '#' ? '' : filter })}
          >
            Clear retained …
          </button>
        )}
      </PageHead>
      <div class="bar">
        <FilterField filter={filter} />
        <SearchField
          label="topic contains"
          value={search}
          onSearch={(text) => setQuery({ search: text })}
        />
        <Choice
          label="Order"
          value={order}
          options={[
            ['name', 'by name'],
            ['rate', 'busiest first'],
          ]}
          onChoose={(value) => setQuery({ order: value === 'name' ? null : value })}
        />
      </div>
      <Failure failure={watch.failure} />
      <p class="muted">
        {count(tree.root.topics)} topics{isPart && ' and more'}, {watch.isPart && 'more than '}
        {short(tree.root.rate)} messages a second
        {watch.retained !== null && retainedText(watch.retained)}.
        {watch.isPart &&
          ' More is published than is looked at: rates here are of a sample, and lower.'}
        {tree.leftOut > 0 && ' There are more topics than this page holds: choose a filter.'}
      </p>
      <Panel title={<Name value={filter} />} isFlush>
        {rows.length === 0 ? (
          <Empty>
            Nothing yet: nothing is retained {filter !== '#' && 'that matches'}, and nothing was
            published since this page was opened.
          </Empty>
        ) : (
          <TreeTable rows={rows} onToggle={toggle} />
        )}
        {moreCount > 0 && (
          <p class="muted panel-note">
            {count(moreCount)} more are not shown: a search or a filter finds them.
          </p>
        )}
        {watch.hasOthers && (
          <p class="muted panel-note">There are other first levels: a filter finds them.</p>
        )}
      </Panel>
      {clearing !== null && (
        <ClearRetained
          {...clearing}
          onDone={(wasCleared) => {
            setClearing(null);
            if (wasCleared) watch.reload();
          }}
        />
      )}
    </>
  );
}

function retainedText({ count: all, taken }: { count: number | null; taken: number }): string {
  if (all === null) return `, at least ${count(taken)} retained`;
  return all > taken ? `, ${count(taken)} of ${count(all)} retained` : `, ${count(all)} retained`;
}

/** Takes effect when it is sent, as half a filter is another filter. */
function FilterField({ filter }: { readonly filter: string }) {
  const [text, setText] = useState<string | null>(null);
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        setQuery({ filter: (text ?? filter) === '#' ? null : (text ?? filter) });
        setText(null);
      }}
    >
      <label class="inline">
        <span class="muted">Topic filter</span>
        <input
          name="filter"
          value={text ?? filter}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={text === null || text === filter}>
        Watch
      </button>
    </form>
  );
}

function TreeTable({
  rows,
  onToggle,
}: {
  readonly rows: readonly TreeRow[];
  readonly onToggle: (node: TopicNode, isOpen: boolean) => void;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has only a keyboard scrolls it by this
    <section class="table-frame" tabIndex={0} aria-label="Topics">
      <table class="tree">
        <caption class="hidden">Topics</caption>
        <thead>
          <tr>
            <th scope="col">Topic</th>
            <th scope="col">Last value</th>
            <th scope="col" class="extra">
              Publisher
            </th>
            <th scope="col" class="number">
              Messages/s
            </th>
            <th scope="col" class="number extra">
              Messages
            </th>
            <th scope="col" class="extra">
              When
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <TreeLine key={row.node.topic} row={row} onToggle={onToggle} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function TreeLine({
  row: { node, depth, isOpen, label },
  onToggle,
}: {
  readonly row: TreeRow;
  readonly onToggle: (node: TopicNode, isOpen: boolean) => void;
}) {
  const { topic, last, isTopic } = node;
  const hasChildren = isOpen !== null;
  return (
    <tr>
      <td>
        <span class="tree-name" style={{ paddingInlineStart: `${Math.min(depth, 12) * 1.1}rem` }}>
          {hasChildren ? (
            <button
              type="button"
              class="quiet toggle"
              aria-expanded={isOpen}
              aria-label={`${isOpen ? 'close' : 'open'} ${topic}`}
              onClick={() => onToggle(node, !isOpen)}
            >
              {isOpen ? '▾' : '▸'}
            </button>
          ) : (
            <span class="toggle" />
          )}
          {isTopic ? (
            <a href={`#${path`/topics/${topic}`}`}>
              <Level text={label} />
            </a>
          ) : (
            <Level text={label} />
          )}
          {hasChildren && !isOpen && <span class="muted">{belowText(node)}</span>}
        </span>
      </td>
      <td>
        {last !== null && (
          <span class="tree-value">
            <Value last={last} />
            {node.hasRetained && <Badge tone="info">retained</Badge>}
          </span>
        )}
      </td>
      <td class="extra">
        {last?.publisher != null && (
          <a href={`#${path`/clients/${last.publisher}`}`}>
            <Name value={last.publisher} max={40} />
          </a>
        )}
      </td>
      <td class="number">{node.rate > 0 ? short(node.rate) : ''}</td>
      <td class="number extra">{node.count > 0 ? short(node.count) : ''}</td>
      <td class="extra">{last !== null && <Ago at={last.at} />}</td>
    </tr>
  );
}

function Value({ last: { payload, size } }: { readonly last: LastMessage }) {
  // Of what is retained, a list has the sizes only.
  if (payload.length === 0 && size > 0) return <span class="muted">{bytes(size)}</span>;
  return <Name value={payloadLine(payload, 60)} max={120} />;
}

/** Of a level that is empty, or has spaces only, it is said so. */
function Level({ text }: { readonly text: string }) {
  if (text !== '' && text.trim() === '') return <Name value={JSON.stringify(text)} />;
  return <Name value={text} none="(empty level)" max={80} />;
}

/** How many topics are below it. */
function belowText({ topics, isTopic, more }: TopicNode): string {
  const here = topics - (isTopic ? 1 : 0);
  if (more === null) return count(here);
  return `${count(Math.max(here, more.count))}${more.isPart ? '+' : ''}`;
}

export const topicsPage: Page = {
  path: '/topics',
  title: 'Topics',
  menu: { group: 'Messages', key: 't' },
  View: TopicsPage,
};
