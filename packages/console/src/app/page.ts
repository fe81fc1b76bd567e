import type { ComponentType } from 'preact';

/** What is given to a page. */
export interface PageProps {
  /** By name, what the page's path has in the address, decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/** A page of the console. */
export interface Page {
  /** Such as `/clients`, or `/clients/:clientId`. */
  readonly path: string;
  readonly title: string;
  /** Where it stands in the menu; left out for pages that others lead to. */
  readonly menu?: {
    readonly group: 'Watch' | 'Messages' | 'Operate';
    /** `g` and this letter lead there; each letter has one page. */
    readonly key: string;
  };
  readonly View: ComponentType<PageProps>;
}
