import type { Recipient } from './recipient.ts';
import type { SharedGroup, SharedSubscriber } from './shared-group.ts';

/**
 * Who receives the messages of one topic. It may be kept when the cache has forgotten it: whoever
 * does so compares `generation` with the trie's, and has the cache refresh it.
 */
export interface Route<S extends SharedSubscriber> {
  readonly topic: string;
  /** The topic as it was encoded; to be shared by all messages of the topic, never to be changed. */
  readonly topicBytes: Uint8Array;
  /** The trie's generation that recipients and groups are of. */
  generation: number;
  /** One delivery each; replaced, never changed. */
  recipients: readonly Recipient<S>[];
  /** One delivery to one member each; replaced, never changed. */
  groups: readonly SharedGroup<S>[];
  /** What it counts in the cache; 0 when it isn't in one. */
  cachedBytes: number;
}
