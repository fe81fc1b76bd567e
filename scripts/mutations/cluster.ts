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
      {
        find: 'this.#mark = { generation, sequence: Math.max(first - 1, this.#writtenOf(generation)) };',
        put: '',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'refused-comes-again-for-all',
    breaks:
      'what a full disk refused has come to those who have nothing in the log: it is for the others alone when it comes again',
    edits: [
      {
        find: 'const given = sequence > this.#given ? null :',
        put: 'const given = sequence > 0 ? null :',
      },
    ],
    caughtBy: ['forwarding'],
  },
  {
    name: 'forwarded-before-resumed-is-taken',
    breaks:
      'what was sent before the answer to RESUME is not taken: something before it may be missing',
    edits: [{ find: 'if (!this.#isOpen) {', put: 'if (this.#link === null) {' }],
    caughtBy: ['forwarding'],
  },
  {
    name: 'expired-on-its-way-is-delivered',
    breaks: 'what has expired before a cell has it is delivered to nobody there',
    edits: [
      {
        find: 'const to = expiresInMs > 0 ? targets : NOBODY;',
        put: 'const to = expiresInMs >= 0 ? targets : NOBODY;',
      },
    ],
    caughtBy: ['forwarding'],
  },
  {
    name: 'expired-is-waited-for',
    breaks: 'nobody waits for what has expired to be applied elsewhere',
    edits: [
      {
        find: 'clientEvents.messageDropped(clientId, reason, message.topic, session.queue.length); session.link?.onGivenUp?.();',
        put: 'clientEvents.messageDropped(clientId, reason, message.topic, session.queue.length);',
      },
    ],
    caughtBy: ['forwarding'],
  },
  {
    name: 'refused-is-waited-for',
    breaks: 'nobody waits for what the disk has refused to be applied elsewhere',
    edits: [
      {
        find: 'session.stored?.removeFrom(from); session.link?.onGivenUp?.();',
        put: 'session.stored?.removeFrom(from);',
      },
    ],
    caughtBy: ['forwarding'],
  },
  {
    name: 'expired-is-not-retained-elsewhere',
    breaks: 'what has expired before the cell that keeps it has it takes the place of an older one',
    edits: [{ find: 'keepsRetained: true,', put: '' }],
    caughtBy: ['forwarding'],
  },
  {
    name: 'waiting-at-qos-0-is-overtaken',
    breaks: 'what waits at QoS 0 for what is stored goes before the next of its topic',
    edits: [{ find: 'this.#order.note(topic, stored.lastSequence + 1);', put: '' }],
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
  {
    name: 'acknowledged-before-the-replica',
    breaks: 'what is acknowledged, the engine has',
    edits: [
      {
        find: 'if (builder.position + bytes.length > replicated) break;',
        put: 'if (replicated < 0) break;',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'index-before-the-replica',
    breaks: 'the index never knows more than the engine',
    edits: [{ find: 'await this.#replication?.until(position);', put: '' }],
    caughtBy: ['cluster'],
  },
  {
    name: 'no-snapshot-of-what-was-refused',
    breaks: 'what a full disk refused and holds all the same, the engine has, too',
    edits: [
      {
        find: 'return isReplicated && owner?.snapshot !== undefined && refused() !== this.#madeUpFor;',
        put: 'return isReplicated && owner?.snapshot === null && refused() !== this.#madeUpFor;',
      },
    ],
    caughtBy: ['cluster', 'log'],
  },
  {
    name: 'session-resumed-before-it-is-safe',
    breaks: 'a session that is resumed on a full disk is safe',
    edits: [
      { find: 'if (!this.isOpen) return this.lastPosition;', put: 'if (!this.isOpen) return -1;' },
    ],
    caughtBy: ['hosting'],
  },
  {
    name: 'suback-before-all-route',
    breaks: 'SUBACK says that messages come from all cells',
    edits: [
      {
        find: 'if (isEverywhere) return true;',
        put: 'if (isEverywhere || granted.length > 0) return true;',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'retained-before-it-is-known',
    breaks: 'who subscribes gets what was retained and acknowledged before, in whichever cell',
    edits: [
      {
        find: 'if (peers === null || owed.length === 0) return;',
        put: 'if (peers === null || owed.length >= 0) return;',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'serves-before-it-knows-all',
    breaks: 'a cell takes clients when it knows what is subscribed to in all others',
    edits: [{ find: 'if (this.isWhole) callback();', put: 'if (this.#cell >= 0) callback();' }],
    caughtBy: ['cluster'],
  },
  {
    name: 'refused-copy-stays',
    breaks: 'a retained message that was refused is nowhere',
    edits: [
      {
        find: 'onRefused: () => this.#askKeeper(FrameType.retainedAsk, topic),',
        put: 'onRefused: () => {},',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'tail-that-the-replica-lacks-stays',
    breaks: 'what the engine never had is not in a log that is restored',
    edits: [
      {
        find: 'if (!this.#isWriting) await this.#cut(this.#taken);\n    await this.#closeWritten();',
        put: 'await this.#closeWritten();',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'deposed-owner-goes-on',
    breaks: 'an owner that has been deposed ends',
    edits: [
      {
        find: 'throw fenced(`epoch ${read.entry.epoch} belongs to ${node} (${incarnation})`);',
        put: 'void fenced(`epoch ${read.entry.epoch} belongs to ${node} (${incarnation})`);\n      return null;',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'trimmed-with-what-is-needed',
    breaks: 'only what nobody needs any more is trimmed',
    edits: [
      {
        find: 'this.#starts.findLast(({ segment }) => segment <= position)?.sequence',
        put: 'this.#starts.findLast(({ segment }) => segment >= position)?.sequence',
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'unknown-taken-for-appended',
    breaks: 'an append of which nobody knows has not been done',
    edits: [
      {
        find: "case 'full':\n      case 'unknown':\n        this.#isStalled = true;",
        put: "case 'unknown':\n        this.#onAppended(entry, after, after + 1);\n        return;\n      case 'full':\n        this.#isStalled = true;",
      },
    ],
    caughtBy: ['cluster'],
  },
  {
    name: 'taken-before-whole',
    breaks:
      'what comes for a shared group without members here is given on to those elsewhere, also when the process has just begun',
    edits: [
      {
        find: 'if (!this.#isWhole) { this.#early.add(link);',
        put: 'if (this.#cell < 0) { this.#early.add(link);',
      },
    ],
    caughtBy: ['forwarding'],
  },
  {
    name: 'witness-not-compared',
    breaks: 'a cell of which the engine has lost acknowledged entries is not opened',
    edits: [
      {
        find: 'witness !== null && !(await untilAnswered(clock, () => isThere(log, witness), { isWanted }))',
        put: 'witness === undefined',
      },
    ],
    caughtBy: ['takeover'],
  },
  {
    name: 'witness-compared-too-late',
    breaks: 'what the engine has lost stays in the folder of the node that opens the cell',
    edits: [
      {
        find: 'const reader = new FencedReader(log, (read, sequence) => check.take(sequence, read));',
        put: 'const lossy = await LogCopy.open(directory, files);\n    const reader = new FencedReader(log, async (read, sequence) => {\n      check.take(sequence, read);\n      if (read.kind === "bytes") await lossy.take(read.entry.position, read.entry.segment, read.entry.body);\n    });\n    await lossy.close();',
      },
    ],
    caughtBy: ['takeover'],
  },
  {
    name: 'beginning-taken-for-trimmed',
    breaks: 'a log of which the beginning is left has lost the rest',
    edits: [
      {
        find: 'if (isFirst && sequence > witnessed && entry.previous >= position) {',
        put: 'if (isFirst) {',
      },
    ],
    caughtBy: ['takeover'],
  },
];
