/** Mutations of what nodes of a cluster agree on: who is there, and who has which cell. */
import type { Mutation } from './mutation.ts';

export const membershipMutations: readonly Mutation[] = [
  {
    name: 'lateness-counts-engine-downtime',
    breaks: 'a node is late by time in which the observer has the engine, and not by any other',
    edits: [
      {
        find: 'return Math.min(durationMs, 1.5 * this.#heartbeatMs);',
        put: 'return durationMs;',
      },
    ],
    caughtBy: ['membership'],
  },
  {
    name: 'heartbeat-counts-before-it-has-come-back',
    breaks: 'what the watch has not brought yet makes nobody late',
    edits: [
      {
        find: 'this.#standing.onAnswer(this.#clock.now());\n        this.#take(',
        put: 'this.#standing.onAnswer(this.#clock.now());\n        this.#onOwnRecord(value);\n        this.#take(',
      },
    ],
    caughtBy: ['membership'],
  },
  {
    name: 'one-refusal-is-enough',
    breaks: 'a node that one of the others does not reach is there for the rest',
    edits: [{ find: 'return refused * 2 > others;', put: 'return refused > 0;' }],
    caughtBy: ['membership'],
  },
  {
    name: 'pause-counts-as-silence',
    breaks: 'a process that was paused asks the engine before it gives up its cells',
    edits: [
      {
        find: 'const passedMs = Math.min(now - this.#at, heartbeatMs);',
        put: 'const passedMs = now - this.#at;',
      },
    ],
    caughtBy: ['membership'],
  },
  {
    name: 'engine-down-for-all-is-a-minority',
    breaks: 'when no node has the engine, nobody gives up its cells',
    edits: [{ find: 'if (!isDownForAll) this.#minorityMs +=', put: 'this.#minorityMs +=' }],
    caughtBy: ['membership'],
  },
  {
    name: 'fenced-node-serves',
    breaks: 'a node that is fenced serves no cell',
    edits: [
      {
        find: 'await Promise.all(this.#keepers.map((keeper) => keeper.fence(why)));',
        put: 'void why;',
      },
    ],
    caughtBy: ['membership'],
  },
  {
    name: 'claim-with-the-same-epoch',
    breaks: 'an epoch is claimed once',
    edits: [
      {
        find: 'const epoch = Math.max(former.epoch, this.#usedEpoch) + 1;',
        put: 'const epoch = Math.max(former.epoch, this.#usedEpoch, 1);',
      },
    ],
    caughtBy: ['membership'],
  },
  {
    name: 'claim-without-condition',
    breaks: 'of two nodes that claim a cell one has it',
    edits: [
      {
        find: "if (typeof outcome === 'number') return { kind: 'set', revision: outcome };\n    if (outcome === 'conflict') {",
        put: "if (typeof outcome === 'number') return { kind: 'set', revision: outcome };\n    if (outcome === 'conflict' && revision > 0) return { kind: 'set', revision };\n    if (outcome === 'conflict') {",
      },
    ],
    caughtBy: ['membership'],
    harmless:
      'what is known of a record stays what it is, as no newer revision has come: what to do is looked at again by that',
  },
  {
    name: 'unknown-outcome-is-given-up',
    breaks: 'a change of which nobody knows is made again until somebody does',
    edits: [
      {
        find: "await pause(clock);\n  }\n  return { kind: 'given-up' };",
        put: "return { kind: 'given-up' };\n  }\n  return { kind: 'given-up' };",
      },
    ],
    caughtBy: ['membership'],
    harmless:
      'what to do is looked at again by the record: an attempt that came true is found there, and one that did not is made again',
  },
  {
    name: 'epoch-opened-twice',
    breaks: 'what has ended is opened again with another epoch',
    edits: [{ find: 'record.epoch > this.#usedEpoch', put: 'record.epoch >= this.#usedEpoch' }],
    caughtBy: ['membership'],
  },
  {
    name: 'incarnation-not-compared',
    breaks: 'the cells of a node that has started again are claimed',
    edits: [
      {
        find: "if (owner?.incarnation !== incarnation) return this.#isKnown(node) ? 'gone' : null;",
        put: "if (owner === undefined) return incarnation === null ? null : 'gone';",
      },
    ],
    caughtBy: ['membership'],
  },
  {
    name: 'move-before-it-is-prepared',
    breaks: 'a cell is given away when its target has restored what it can',
    edits: [
      {
        find: 'else if (record.isPrepared) void this.#give(record);',
        put: 'else if (record.isPrepared || true) void this.#give(record);',
      },
    ],
    caughtBy: ['membership'],
  },
  {
    name: 'all-cells-moved-at-once',
    breaks: 'cells are given away one after the other, to nodes that have least',
    edits: [{ find: 'return isOneMoving ? null :', put: 'return isOneMoving && false ? null :' }],
    caughtBy: ['membership'],
  },
  {
    name: 'balanced-too-far',
    breaks: 'cells stay where they are once nodes have as many',
    edits: [{ find: 'most[1] - least[1] < 2', put: 'most[1] - least[1] < 1' }],
    caughtBy: ['membership'],
  },
  {
    name: 'leaves-with-cells',
    breaks: 'a node that has left serves nothing',
    edits: [
      {
        find: "return this.#phase === 'idle' && !this.#isBusy && !this.#isMine(this.#record);",
        put: 'return true;',
      },
    ],
    caughtBy: ['membership'],
  },
  {
    name: 'later-record-acted-on',
    breaks: 'a record of a later version is left as it is',
    edits: [{ find: 'return !this.#unreadable.has(cellKey(cell));', put: 'return cell >= 0;' }],
    caughtBy: ['membership'],
  },
  {
    name: 'superseded-goes-on',
    breaks: 'of two processes with one name the first one stops',
    edits: [
      {
        find: 'this.#standing.onSuperseded();',
        put: 'void 0;',
      },
    ],
    caughtBy: ['membership'],
  },
  {
    name: 'cell-leaves-its-home',
    breaks: 'where only one node has the log of a cell, no other serves it',
    edits: [
      {
        find: 'return this.#homes[cell] === node && !this.#isLeaving ? 0 : null;',
        put: 'return this.#isLeaving ? null : 0;',
      },
    ],
    caughtBy: ['membership'],
  },
  {
    name: 'lost-log-begins-empty',
    breaks: 'a log that is lost is waited for, unless the operator says otherwise',
    edits: [{ find: "options.onLoss === 'reset'", put: "state !== 'begun'" }],
    caughtBy: ['hosting'],
  },
  {
    name: 'other-log-is-taken',
    breaks: 'a cell is not served with the log of another one',
    edits: [{ find: 'found?.logId === identity', put: 'found !== null' }],
    caughtBy: ['hosting'],
  },
  {
    name: 'log-is-moved-by-what-was-read',
    breaks: 'nothing is moved in a folder by what the map had before',
    edits: [{ find: "state !== 'lost' || found !== null", put: "state === ('never' as string)" }],
    caughtBy: ['hosting'],
  },
  {
    name: 'log-is-kept-before-it-is-on-the-disk',
    breaks: 'a log that is noted as kept is on the disk',
    edits: [
      {
        find: 'if (this.#isKept) return;\n    await log.writeSnapshot();\n    await log.flush();',
        put: 'if (this.#isKept) return;',
      },
    ],
    caughtBy: ['hosting'],
  },
];
