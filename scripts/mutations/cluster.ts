/** Mutations of what several cells promise together: each message of QoS 1 and 2 comes to the other cell once. */
import type { Mutation } from './mutation.ts';

export const clusterMutations: readonly Mutation[] = [
  {
    name: 'applied-before-commit',
    breaks: 'APPLIED says that no crash of the receiver takes the message',
    edits: [
      {
        find: 'this.#host.journal.whenCommitted(pending);\n  }\n\n  #onCommitted(',
        put: 'pending.onCommitted();\n  }\n\n  #onCommitted(',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'resume-says-what-is-not-committed',
    breaks: 'RESUME says what no crash of the receiver takes',
    edits: [{ find: 'this.#told = this.#committed;', put: 'this.#told = this.#mark.sequence;' }],
    caughtBy: ['forwarding'],
  },
  {
    name: 'applied-mark-not-in-checkpoints',
    breaks:
      'what was applied is known after a restart, when a checkpoint has taken the place of its records',
    edits: [{ find: 'state.applied.restore(first, value);', put: '' }],
    caughtBy: ['cluster'],
  },
  {
    name: 'applied-mark-not-replayed',
    breaks: 'what was applied is known after a crash, by the records',
    edits: [{ find: 'state.applied.replay(origin);', put: '' }],
    caughtBy: ['cluster'],
  },
  {
    name: 'applied-mark-not-asked',
    breaks: 'what is forwarded again is known for what was there',
    edits: [{ find: 'if (sequence <= this.#mark.sequence) {', put: 'if (sequence < 0) {' }],
    caughtBy: ['cluster'],
  },
  {
    name: 'refused-counts-as-applied',
    breaks: 'what a full disk refused is not applied: it has to come again',
    edits: [
      { find: 'this.#state.applied.takeBack(from);', put: '' },
      { find: 'const sequence = Math.max(first - 1, isSame ? written.sequence : 0);', put: '' },
      { find: 'this.#mark = { generation, sequence };\n    }\n    // What', put: '}\n    // What' },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'forwarded-before-resumed-is-taken',
    breaks:
      'what was sent before the answer to RESUME is not taken: something before it may be missing',
    edits: [
      {
        find: 'if (link !== this.#link || !this.#isOpen) return;',
        put: 'if (link !== this.#link) return;',
      },
    ],
    caughtBy: ['forwarding'],
  },
  {
    name: 'sent-counts-as-applied',
    breaks: 'only what the other cell says that it has is settled when a link is there again',
    edits: [
      {
        find: 'const applied = isKnown ? this.#notAbove(sequence) : 0;',
        put: 'const applied = isKnown ? Math.max(sequence, this.session.stored?.sentSequence ?? 0) : 0;',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'settled-up-to-not-replayed',
    breaks:
      'what the other cell has applied is settled after a restart, too: its record may be gone',
    edits: [
      {
        find: 'for (const delivery of stored?.takeUpTo(sequence) ?? []) {',
        put: 'for (const delivery of stored?.takeUpTo(0) ?? []) {',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'group-applied-without-a-trace',
    breaks:
      'what is for a shared subscription leaves a record, as its member may give it to one who is stored',
    edits: [
      {
        find: 'this.#storedDeliveries.length > 0 || (origin !== null && groups.length > 0);',
        put: 'this.#storedDeliveries.length > 0;',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'group-without-members-drops',
    breaks: 'a message for a group whose last member here has gone is given on to another cell',
    edits: [
      {
        find: 'else if (origin !== null) this.#forwardOn(wholeFilter, route);',
        put: 'else if (origin === undefined) this.#forwardOn(wholeFilter, route);',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'late-commit-after-resumed-lowers-mark',
    breaks: 'the answer to RESUME says nothing of what was committed meanwhile',
    edits: [
      {
        find: 'generation === this.#mark.generation && sequence >= this.#told;',
        put: 'generation === this.#mark.generation && sequence >= this.#committed;',
      },
    ],
    caughtBy: ['cluster'],
  },
];
