/** What of the packages can be imported, with the declarations that the compiler made of it. */
import { join } from 'node:path';
import { publicPackages } from '../../lib/release.ts';

export interface Entry {
  /** What programs import, such as `@promptmq/wal/tools`. */
  readonly specifier: string;
  /** Of its pages, such as `wal-tools`. */
  readonly name: string;
  /** Of the package. */
  readonly folder: string;
  /** The file of declarations. */
  readonly declarations: string;
  /** Whether it refers to what is made of the OpenAPI document, and changes with each operation. */
  readonly refersToMade: boolean;
}

/** What is made of the OpenAPI document, which says more of it. */
const MADE = ['@promptmq/admin/types'];

/** All that published packages export, but for their manifests. */
export function entries(root: string): Entry[] {
  return publicPackages(root).flatMap(({ path, manifest }) =>
    Object.entries(manifest.exports).flatMap(([subpath, target]) => {
      if (typeof target === 'string') return [];
      const specifier = `${manifest.name}${subpath.slice(1)}`;
      if (MADE.includes(specifier)) return [];
      return {
        specifier,
        name: specifier.replace('@promptmq/', '').replaceAll('/', '-'),
        folder: path,
        declarations: join(path, target.types),
        refersToMade: MADE.some((made) => made.startsWith(`${specifier}/`)),
      };
    }),
  );
}
