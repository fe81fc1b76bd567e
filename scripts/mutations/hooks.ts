/** Mutations of the hooks: what a program has refused, and what it is promised. */
import type { Mutation } from './mutation.ts';

export const hookMutations: readonly Mutation[] = [
  {
    name: 'hook-failure-allows',
    breaks: 'what a hook that throws was asked for is refused',
    edits: [
      {
        find: 'verdict = this.#failed(hook, error); } this.#hooks.host.deadlines',
        put: 'verdict = ALLOWED; } this.#hooks.host.deadlines',
      },
    ],
    caughtBy: ['hooks'],
  },
  {
    name: 'hook-late-answer-counts',
    breaks: 'what a hook answers after its time has no effect',
    edits: [
      {
        find: 'const isAwaited = () => this.#awaited !== null && this.#number === number;',
        put: 'const isAwaited = () => this.#number === number;',
      },
    ],
    caughtBy: ['hooks'],
  },
  {
    name: 'hook-signal-not-aborted',
    breaks: 'whoever works for a client that has gone is notified',
    edits: [
      {
        find: "controller?.abort(new Error('the client has gone')); return isAwaited;",
        put: 'void controller; return isAwaited;',
      },
    ],
    caughtBy: ['hooks'],
  },
  {
    name: 'hook-reads-on',
    breaks:
      'a client isn’t read from while an answer is awaited, and its order is kept [MQTT-4.6.0-2]',
    edits: [
      {
        find: 'this.#connection.suspend(); const { deadlines, runtime, config }',
        put: 'const { deadlines, runtime, config }',
      },
    ],
    caughtBy: ['hooks'],
  },
  {
    name: 'hook-acl-forgotten-by-reload',
    breaks: 'what a hook’s answer allows at most holds after a reload',
    edits: [
      {
        find: 'identity: identityOf(connection, clientId), own: admission.acl, limits }',
        put: 'identity: identityOf(connection, clientId), own: admission.acl, limits: null }',
      },
    ],
    caughtBy: ['hooks'],
  },
  {
    name: 'hook-admits-anonymous',
    breaks: 'auth.allow-anonymous holds for whom a hook admits without a name',
    edits: [
      {
        find: '  if (!host.access.mayStay(admission, listenerOf(connection))) {\n    refuse(',
        put: '  if (admission.provider !== null && !host.access.mayStay(admission, listenerOf(connection))) {\n    refuse(',
      },
    ],
    caughtBy: ['hooks'],
  },
  {
    name: 'hook-resumed-filters-not-asked',
    breaks: 'what a session has is asked for when it is resumed',
    edits: [
      {
        find: 'if (!hooks.asksSubscribe || startsClean(',
        put: 'if (hooks.asksSubscribe || startsClean(',
      },
    ],
    caughtBy: ['hooks'],
  },
  {
    name: 'hook-failure-takes-subscriptions',
    breaks: 'a hook that fails takes nothing of a session away',
    edits: [{ find: 'hasFailed = verdict.isFailure;', put: 'hasFailed = false;' }],
    caughtBy: ['hooks'],
  },
  {
    name: 'hook-transform-before-rules',
    breaks: 'the rules are applied to what comes out of transform',
    edits: [
      {
        find: 'this.#publisher = publisher; return this.#route(route, publisher, origin); } /** A message isn',
        put: 'this.#publisher = publisher; return this.#route(route, null, origin); } /** A message isn',
      },
    ],
    caughtBy: ['hooks'],
  },
  {
    name: 'hook-will-not-asked',
    breaks: 'a will is asked for at CONNECT',
    edits: [
      {
        find: 'if (will === undefined || !hooks.asksPublish) {',
        put: 'if (will === undefined || hooks.asksPublish) {',
      },
    ],
    caughtBy: ['hooks'],
  },
  {
    name: 'hook-deliver-not-asked-of-images',
    breaks: 'authorizeDeliver decides on what is sent at QoS 1 and 2 as a packet',
    edits: [
      {
        find: 'if (!isImage && !session.isReady) return false; if (this.hooks !== null) {',
        put: 'if (!isImage && !session.isReady) return false; if (this.hooks === undefined) {',
      },
    ],
    caughtBy: ['hooks'],
  },
];
