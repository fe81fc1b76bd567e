/** Mutations of what nodes tell each other on links of their own, of who may link to them, and of which server of PostgreSQL they write to. */
import type { Mutation } from './mutation.ts';

export const nodeMutations: readonly Mutation[] = [
  {
    name: 'deposed-owner-not-told',
    breaks: 'who tells of an owner that is deposed is told which is the newer one',
    edits: [{ find: 'link.send(FrameType.epoch, encodeWitnesses([known]));', put: 'void link;' }],
    caughtBy: ['nodes'],
  },
  {
    name: 'deposed-cell-goes-on',
    breaks: 'a node that hears of a newer owner of a cell that it serves ends it',
    edits: [
      {
        find: 'if (found === undefined || worker === null || (found.epoch ?? epoch) >= epoch) return;',
        put: 'if (found === undefined || worker === null || why !== null) return;',
      },
    ],
    caughtBy: ['nodes'],
  },
  {
    name: 'links-without-a-certificate',
    breaks: 'where links have certificates, nobody is let in without one of the same authority',
    edits: [
      {
        find: 'requestCert: true, rejectUnauthorized: true, handshakeTimeout',
        put: 'requestCert: true, rejectUnauthorized: false, handshakeTimeout',
      },
    ],
    caughtBy: ['nodes'],
  },
  {
    name: 'links-to-anybody',
    breaks: 'who dials another node checks its certificate',
    edits: [
      {
        find: 'tlsConnect({ ...address, ...tls, checkServerIdentity',
        put: 'tlsConnect({ ...address, ...tls, rejectUnauthorized: false, checkServerIdentity',
      },
    ],
    caughtBy: ['nodes'],
  },
  {
    name: 'former-primary-written-to',
    breaks: 'a server of PostgreSQL whose place another one has taken is not written to',
    edits: [
      {
        find: 'if (branch.timeline >= newest.timeline) return null;',
        put: 'if (branch.timeline >= 0) return null;',
      },
    ],
    caughtBy: ['postgres'],
  },
  {
    name: 'newest-timeline-forgotten',
    breaks: 'the newest primary that was seen stays the newest',
    edits: [
      {
        find: 'if (branch !== null && this.whyOutdated(branch) === null) this.#newest = branch;',
        put: 'if (branch !== null) this.#newest = branch;',
      },
    ],
    caughtBy: ['postgres'],
  },
  {
    name: 'notice-not-passed-on',
    breaks: 'who watches the map in PostgreSQL is told of changes at once',
    edits: [
      {
        find: "client.on('notification', () => this.#tell());",
        put: "client.on('notification', () => {});",
      },
    ],
    caughtBy: ['postgres'],
  },
];
