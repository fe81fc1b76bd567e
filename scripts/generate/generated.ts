/** What a generator makes. */
export interface Generated {
  /** Texts by path, from the top of the repository. */
  readonly files: Readonly<Record<string, string>>;
  /** A folder that has nothing but these files. */
  readonly folder?: string;
}

/**
 * A generator: of the packages as they are compiled.
 *
 * @param root - the repository whose files it makes; a file that it makes a part of is read there
 */
export type Generate = (root: string) => Generated | Promise<Generated>;
