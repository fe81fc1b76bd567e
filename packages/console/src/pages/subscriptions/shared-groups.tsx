import { useEffect, useState } from 'preact/hooks';
import { get, type Page, path } from '../../app/api.ts';
import type { ApiFailure } from '../../app/api-failure.ts';
import { count } from '../../app/format.ts';
import { Failure, Name, Panel } from '../../parts/basic.tsx';
import { SearchField } from '../../parts/fields.tsx';
import type { Subscription } from './subscription.ts';

/** A group that shares what matches a filter. */
interface Group {
  readonly name: string;
  readonly filter: string;
  readonly members: readonly Subscription[];
}

/** Subscriptions that are looked through for groups, in pages. */
const PAGES_MAX = 5;
const PAGE = 10_000;

/** Groups, and members of one, that are shown. */
const GROUPS_SHOWN = 100;
const MEMBERS_SHOWN = 50;

/** Groups of shared subscriptions with their members. */
export function SharedGroups() {
  const [search, setSearch] = useState('');
  const { groups, failure, isPart } = useGroups(search);
  return (
    <>
      <div class="bar">
        <SearchField label="name of the group" value={search} onSearch={setSearch} />
        <span class="muted grow">Each message goes to one member of a group.</span>
      </div>
      <Failure failure={failure} />
      {groups !== null && groups.length === 0 && (
        <p class="empty">
          {search === '' ? 'There are no shared subscriptions.' : 'There is no such group.'}
        </p>
      )}
      {isPart && (
        <p class="note">
          Not all subscriptions were looked through: the name of a group finds it all the same.
        </p>
      )}
      {groups?.slice(0, GROUPS_SHOWN).map((group) => (
        <Panel
          key={`${group.name}/${group.filter}`}
          title={
            <>
              <Name value={group.name} /> <Name value={group.filter} />
            </>
          }
          actions={<span class="muted">{count(group.members.length)} members</span>}
        >
          <ul class="chips">
            {group.members.slice(0, MEMBERS_SHOWN).map(({ clientid, qos }) => (
              <li key={clientid}>
                <a href={`#${path`/clients/${clientid}`}`}>
                  <Name value={clientid} />
                </a>
                <span class="muted">QoS {qos}</span>
              </li>
            ))}
            {group.members.length > MEMBERS_SHOWN && (
              <li>and {count(group.members.length - MEMBERS_SHOWN)} more</li>
            )}
          </ul>
        </Panel>
      ))}
    </>
  );
}

function useGroups(search: string) {
  const [groups, setGroups] = useState<readonly Group[] | null>(null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const [isPart, setPart] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    const read = async () => {
      const found: Subscription[] = [];
      for (let page = 1; ; page++) {
        const { data, meta } = await get<Page<Subscription>>('/subscriptions', {
          query: { page, limit: PAGE, share_group: search },
          signal: abort.signal,
        });
        for (const one of data) if (one.topic.startsWith('$share/')) found.push(one);
        if (!meta.hasnext || page === PAGES_MAX) {
          setPart(meta.hasnext);
          setGroups(groupsOf(found));
          setFailure(null);
          return;
        }
      }
    };
    read().catch((error: ApiFailure) => {
      if (!abort.signal.aborted) setFailure(error);
    });
    return () => abort.abort();
  }, [search]);
  return { groups, failure, isPart };
}

function groupsOf(subscriptions: readonly Subscription[]): Group[] {
  const groups = new Map<string, Subscription[]>();
  for (const one of subscriptions) {
    const members = groups.get(one.topic);
    if (members === undefined) groups.set(one.topic, [one]);
    else members.push(one);
  }
  return [...groups]
    .map(([whole, members]) => {
      const end = whole.indexOf('/', '$share/'.length);
      return { name: whole.slice('$share/'.length, end), filter: whole.slice(end + 1), members };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
