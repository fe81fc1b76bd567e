/** Which page is shown: what comes after `#` in the address, such as `#/clients/sensor-1?tab=queue`. */
import { signal } from '@preact/signals';
import { matchRoute } from './route-pattern.ts';

export interface Route {
  /** Begins with `/`. */
  readonly path: string;
  readonly query: URLSearchParams;
}

export const route = signal<Route>(routeOf(location.hash));

/** Follows the address from now on. */
export function startRouter(): void {
  addEventListener('hashchange', () => {
    route.value = routeOf(location.hash);
  });
}

/** @param to - such as `/clients`; for a path with names in it, use `path` of api.ts */
export function go(to: string): void {
  location.hash = `#${to}`;
}

/** Changes parameters of the page that is shown, without another entry in the history; empty ones are left out. */
export function setQuery(changes: Readonly<Record<string, string | number | null>>): void {
  const { path, query } = route.value;
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name);
    else next.set(name, `${value}`);
  }
  const text = next.toString();
  const hash = `#${path}${text === '' ? '' : `?${text}`}`;
  if (hash === location.hash) return;
  history.replaceState(null, '', hash);
  route.value = routeOf(hash);
}

/** Which page of its list the page shows, from 1 on. */
export function pageNumber(): number {
  const page = Number(route.value.query.get('page'));
  return Number.isSafeInteger(page) && page > 0 ? page : 1;
}

/** Shows another page of the list. */
export function goToPage(page: number): void {
  setQuery({ page: page === 1 ? null : page });
}

/** The parameters that a page's path has in the address, or null when it is another page's. */
export function paramsOf(pattern: string): Readonly<Record<string, string>> | null {
  return matchRoute(pattern, route.value.path);
}

function routeOf(hash: string): Route {
  const text = hash.startsWith('#/') ? hash.slice(1) : '/';
  const end = text.indexOf('?');
  return end === -1
    ? { path: text, query: new URLSearchParams() }
    : { path: text.slice(0, end), query: new URLSearchParams(text.slice(end + 1)) };
}
