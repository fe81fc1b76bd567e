import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a file of access rules that reach some of the topics of the fuzzer; returns its path. */
export function writeRules(folder: string): string {
  const path = join(folder, 'acl.yaml');
  const topics = '"a/#", "b", "%c/#"';
  writeFileSync(
    path,
    `rules:\n  - { publish: [${topics}], subscribe: ["a/#", "+/b", "%u/+", "$SYS/#"] }\n  - { user: x*, publish: "#" }\n`,
  );
  return path;
}
