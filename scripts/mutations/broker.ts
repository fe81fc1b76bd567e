/** Mutations of the broker: what it tells clients, and what outlives its process. */
import type { Mutation } from './mutation.ts';

const ACK_CONDITION = 'if (isReady && position < journal.committedPosition) {';

export const brokerMutations: readonly Mutation[] = [
  {
    name: 'puback-before-commit',
    breaks: 'PUBACK says that the message is safe [MQTT-4.3.2-4]',
    edits: [
      {
        find: ACK_CONDITION,
        put: 'if (type === PacketType.PUBACK || (isReady && position < journal.committedPosition)) {',
      },
    ],
    caughtBy: ['simulation', 'crash'],
  },
  {
    name: 'pubrec-before-commit',
    breaks: 'PUBREC says that the message is safe [MQTT-4.3.3-8]',
    edits: [
      {
        find: ACK_CONDITION,
        put: 'if (type === PacketType.PUBREC || (isReady && position < journal.committedPosition)) {',
      },
    ],
    caughtBy: ['simulation', 'crash'],
  },
  {
    name: 'pubrec-of-duplicate-before-commit',
    breaks: 'the PUBREC of a duplicate, too, waits for what came first',
    edits: [
      {
        find:
          'const position = !session.isStored ? -1 : journal.lastPosition;\n' +
          '      this.#acknowledge(PacketType.PUBREC,',
        put:
          'const position = journal === undefined ? 0 : -1;\n' +
          '      this.#acknowledge(PacketType.PUBREC,',
      },
    ],
    caughtBy: [],
    harmless:
      'a client sends again on another connection only, and the CONNACK of that one waits for a record ' +
      'after the message; the wait is there should a CONNACK ever need no record',
  },
  {
    name: 'pubcomp-before-commit',
    breaks: 'a packet identifier is durably free before PUBCOMP says so [MQTT-4.3.3-11]',
    edits: [
      {
        find: ACK_CONDITION,
        put: 'if (type === PacketType.PUBCOMP || (isReady && position < journal.committedPosition)) {',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'received-identifiers-not-replayed',
    breaks: 'a QoS 2 message is taken once, over restarts, too [MQTT-4.3.3-10]',
    edits: [
      {
        find: 'entry.session.received.restore(origin.packetId);',
        put: 'void origin.packetId;',
      },
    ],
    caughtBy: ['simulation', 'crash'],
  },
  {
    name: 'received-identifiers-not-in-checkpoint',
    breaks: 'a QoS 2 message is taken once, over restarts, too [MQTT-4.3.3-10]',
    edits: [
      {
        find: 'for (const packetId of underWay.receivedIds) session.received.restore(packetId);',
        put: '',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'suback-before-commit',
    breaks: 'SUBACK says that the subscription is part of the session, and stays it (§4.1)',
    edits: [
      {
        find: 'answerWhenCommitted(host, connection, position, suback)',
        put: 'answerWhenCommitted(host, connection, -1, suback)',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'unsuback-before-commit',
    breaks: 'UNSUBACK says that the subscription is gone, and stays so [MQTT-3.10.4-1]',
    edits: [
      {
        find: "answerWhenCommitted(host, connection, position, { cmd: 'unsuback'",
        put: "answerWhenCommitted(host, connection, -1, { cmd: 'unsuback'",
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'connack-before-commit',
    breaks: 'a session that CONNACK tells of is there after a crash [MQTT-3.2.2-2]',
    edits: [
      {
        find: 'connection.releaseWhenCommitted(position, onRefused);',
        put: 'void position;\n    connection.releaseWhenCommitted(-1, onRefused);',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'connack-before-former-session-is-gone',
    breaks: 'a session that a clean start has ended does not come back [MQTT-3.1.2-4]',
    edits: [
      {
        find: 'dependsOn: journal.lastEndPosition,',
        put: 'dependsOn: before === -2 ? after : -1,',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'sent-before-commit',
    breaks:
      'a stored delivery is sent after its record is safe: else its identifier may be used again',
    edits: [
      {
        find: 'return gate < this.#store.committedPosition;',
        put: 'return gate < Number.POSITIVE_INFINITY;',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'pubrel-before-commit',
    breaks:
      'PUBREL is sent when it is safe that PUBREC came: the message is not sent again [MQTT-4.3.3-4]',
    edits: [
      {
        find: 'const position = this.#records.append(); delivery.position = position;',
        put: 'const position = this.#records.append();\n    delivery.position = 0;\n    session.link?.sendPubrel(packetId);',
      },
      {
        find: 'if (storedOf(session).isUnderWay(delivery)) session.link?.sendPubrel(packetId);',
        put: '',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'retained-not-stored',
    breaks: 'a retained message outlives the process [MQTT-3.3.1-5]',
    edits: [
      {
        find: 'position = this.#store(origin, retaining); } if',
        put: 'position = this.#store(origin, { ...retaining, isKept: false });\n    }\n    if',
      },
    ],
    caughtBy: ['simulation', 'crash'],
  },
  {
    name: 'retained-not-kept-by-compaction',
    breaks: "compaction keeps a topic's retained message",
    edits: [
      {
        find: 'if (users.length === 0 && !isRetained && !isAwaited) return null;',
        put: 'if (users.length === 0 && !isAwaited) return null;',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'retained-removal-not-replayed',
    breaks: 'a retained message that was removed stays so [MQTT-3.3.1-6]',
    edits: [{ find: ': state.removeRetained(message.topic);', put: ': null;' }],
    caughtBy: ['simulation'],
  },
  {
    name: 'retained-removal-not-in-checkpoint',
    breaks: 'a retained message that was removed stays so [MQTT-3.3.1-6]',
    edits: [
      {
        find: 'chunk.count--; markChanged(chunk);',
        put: '    chunk.count--;',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'will-not-restored',
    breaks: 'the will of a client that the process was connected with is published [MQTT-3.1.2-8]',
    edits: [{ find: 'entry.will = record.will;', put: 'entry.will = null;' }],
    caughtBy: ['simulation', 'crash'],
  },
  {
    name: 'will-of-disconnected-not-restored',
    breaks: 'a will that waits for its delay is published all the same (§3.1.3.2.2)',
    edits: [
      {
        find: 'entry.will = record.will;',
        put: 'entry.will = record.disconnectedAt === -1 ? record.will : null;',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'will-published-again',
    breaks: 'a will is published once, and removed from the session [MQTT-3.1.2-10]',
    edits: [
      {
        find: 'entry.will = null; state.mark(entry, Change.Session);',
        put: 'state.mark(entry, Change.Session);',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'session-expiry-not-scheduled',
    breaks: 'a session of a former process ends when its time is over [MQTT-4.1.0-2]',
    edits: [
      {
        find: 'this.#scheduleExpiry(entry); if (will !== null) this.#wills.schedule(entry, entry.willDueAt);',
        put: 'if (will !== null) this.#wills.schedule(entry, entry.willDueAt);',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'session-expiry-not-restored',
    breaks: 'a session lives as long as its client asked for (§3.1.2.11.2)',
    edits: [
      {
        find: 'entry.session.expiryInterval = record.expiryInterval;',
        put: 'entry.session.expiryInterval = record.expiryInterval === 0 ? 0 : NEVER_EXPIRES;',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'order-lost-over-restart',
    breaks: 'what is sent again goes before what follows it, in its order [MQTT-4.6.0-1]',
    edits: [
      {
        find: 'if (sent !== null && isBefore) queue.restore(sent); for (const block of blocks) queue.restore(block); if (sent !== null && !isBefore) queue.mergeBlock(sent);',
        put: 'for (const block of blocks) queue.restore(block);\n  if (sent !== null || isBefore) queue.restore(sent as QueueBlock);',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'sent-not-restored',
    breaks: 'what a former process may have sent is sent with DUP [MQTT-3.3.1-1]',
    edits: [
      {
        find: 'session.stored?.queue.markSent(session.stored.sentSequence);',
        put: 'session.stored?.queue.markSent(0);',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'sent-not-written',
    breaks: 'what a former process may have sent comes with DUP [MQTT-3.3.1-1]',
    edits: [
      {
        find: 'onSent(session: JournalSession): void { this.#markProgress(session);',
        put: 'onSent(session: JournalSession): void {\n    if (storedOf(session).sentSequence % 3 !== 0) return;\n    this.#markProgress(session);',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'refused-taken-for-committed',
    breaks: 'a record that the disk has refused is not committed because later ones are',
    edits: [{ find: 'if (position >= from) return true;', put: '' }],
    caughtBy: ['storage'],
  },
  {
    name: 'expiry-of-retained-not-written',
    breaks: 'a segment goes when the log no longer names anything in it',
    edits: [
      {
        find: 'position: records.append(records.writer, removal.topicBytes),',
        put: 'position: records.lastPosition,',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'settled-not-replayed',
    breaks: 'what was acknowledged is over [MQTT-4.3.3-4]',
    edits: [
      {
        find: 'default: settle(state, entry, sequence, release);',
        put: 'default:\n        void release;',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'shared-not-handed-over-at-end',
    breaks: 'what waits for a member whose session ends goes to another one (§4.8.2)',
    edits: [
      {
        find: 'this.handOvers.giveUnstored(session.end(), session);',
        put: 'session.end();',
      },
    ],
    caughtBy: ['protocol'],
  },
  {
    name: 'shared-handed-over-not-stored',
    breaks: 'what is handed over is stored for its new session (§4.8.2)',
    edits: [
      {
        find: 'restoreReference(state, reference, release); settle(',
        put: 'void reference;\n        settle(',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'shared-handed-over-and-kept',
    breaks: 'what is handed over is not its former session’s any more',
    edits: [
      {
        find: 'settle(state, entry, sequence, release); } state.mark',
        put: 'void sequence;\n      }\n      state.mark',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'ending-session-forgotten',
    breaks:
      'a crash while the queue of a session that has ended is handed over loses nothing of it',
    edits: [
      {
        find: 'state.setEnding(entry, readEnding(reader));',
        put: 'state.remove(entry);',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'share-without-remainder',
    breaks: 'the shares of all users of a record are the record',
    edits: [
      {
        find: '+ (index === 0 ? size % users : 0)',
        put: ' + (index < 0 ? size % users : 0)',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'replayed-not-released',
    breaks: 'what was released when it was appended is released when it is replayed',
    edits: [
      {
        find: 'shareOut(record.position, sizeOf(record), 0, release);',
        put: '',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'move-not-in-checkpoint',
    breaks: 'the checkpoint knows where compaction has moved a message',
    edits: [
      {
        find: 'state.mark(entry, Change.Progress); } } if (state.retained',
        put: 'void Change;\n    }\n  }\n  if (state.retained',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'references-not-moved',
    breaks: 'a message that only a References record names is kept wherever it is moved',
    edits: [{ find: 'state.references.move(from, to);', put: 'void to;' }],
    caughtBy: ['storage'],
  },
  {
    name: 'session-number-used-again',
    breaks: 'the number of a session that has ended is not given to another one',
    edits: [
      {
        find: 'state.nextSession = Math.max(state.nextSession, readNumber(value));',
        put: 'void value;',
      },
    ],
    caughtBy: [],
    harmless:
      'the records of a session that has ended lie before its End, and what compaction keeps is found by ' +
      'position, too: none of them meets the new session',
  },
  {
    name: 'full-disk-acknowledged',
    breaks: 'what a full disk refused is answered with 0x97, not with success (§4.13)',
    edits: [
      {
        find: 'return isOpen ? ReasonCode.QuotaExceeded : -1;',
        put: 'return isOpen ? ReasonCode.Success : -1;',
      },
    ],
    caughtBy: ['storage', 'simulation'],
  },
  {
    name: 'full-disk-receipt-kept-without-connection',
    breaks: 'what was refused is taken when it is sent again, on another connection, too',
    edits: [
      {
        find: 'const session = this.#acksOf;',
        put: 'const { session } = this.#connection;',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'full-disk-refuses-duplicate',
    breaks: 'a QoS 2 message that was taken is not refused when it is sent again',
    edits: [
      {
        find: 'if (isDuplicate && session.received.has(packetId)) return isOpen ? ReasonCode.Success : -1;',
        put: 'void isDuplicate;',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'full-disk-receipt-unwritten',
    breaks: 'what the log has to know of a QoS 2 message is refused, too, whoever gets it',
    edits: [
      {
        find: "if (origin?.kind === 'received') return true;",
        put: '',
      },
    ],
    // The simulation needs some thousands of seeds for it.
    caughtBy: ['storage'],
  },
  {
    name: 'full-disk-hand-over-lost',
    breaks: 'what could not be handed over is its session’s again',
    edits: [
      {
        find: 'onRefused: () => this.#takeBack(session, former),',
        put: 'onRefused: () => {},',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'full-disk-hand-over-unstored',
    breaks: 'QoS 2 that no record has uses no packet identifier that a stored message has later',
    edits: [
      {
        find: 'return session.isStored && message.qos === 2 && qos === 2;',
        put: 'void session;\n    void message;\n    void qos;\n    return false;',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'maybe-sent-handed-over',
    breaks: 'of QoS 2, what a killed process may have sent stays with its member [MQTT-4.8.2-5]',
    edits: [
      {
        find: 'if (name === null || (qos === 2 && sequence <= keptSequence)) return null;',
        put: 'if (name === null) return null;\n    void [qos, sequence, keptSequence];',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'sent-before-handed-over',
    breaks:
      'what a former process had sent of a shared subscription stays with its member [MQTT-4.8.2-4]',
    edits: [
      {
        find: 'if (ended === null && (isSent || !group.hasConnectedBeside(session))) return null;',
        put: 'if (ended === null && !group.hasConnectedBeside(session)) return null;\n    void isSent;',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'full-disk-will-lost',
    breaks: 'a will that had no room is published when there is some',
    edits: [{ find: 'entry.will = will; this.#publishLater(entry);', put: '' }],
    caughtBy: ['storage'],
  },
  {
    name: 'full-disk-session-found-again',
    breaks: 'CONNACK tells of no session that a crash would take away [MQTT-3.2.2-2]',
    edits: [
      {
        find: 'isNew ? () => this.sessions.endUnstored(entry) : () => {};',
        put: 'isNew ? () => {} : () => {};',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'full-disk-end-unwritten',
    breaks: 'a session that has ended without room to write so does not come back [MQTT-3.2.2-2]',
    edits: [{ find: 'if (journal.hasUnwrittenEnd(clientId)) return true;', put: '' }],
    caughtBy: ['storage'],
  },
  {
    name: 'full-disk-end-unnoticed',
    breaks:
      'a clean start on a full disk does not end a session that would be back after a crash [MQTT-3.1.2-4]',
    edits: [
      {
        find: 'if (cleanStart && (present?.number ?? 0) > 0) return true;',
        put: '',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'stop-without-a-word',
    breaks: 'an orderly stop tells clients so (0x8B)',
    edits: [
      {
        find: "connection.disconnect(reasonCode, 'shutdown');",
        put: 'void reasonCode;\n        connection.terminate();',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'stop-without-closing-the-log',
    breaks: 'an orderly stop loses nothing at all',
    edits: [{ find: '[this.journal.close(), accessStopped,', put: '[accessStopped,' }],
    caughtBy: ['simulation'],
  },
  {
    name: 'queue-block-not-put-back',
    breaks: 'a queue of more entries than one block has outlives restarts as a whole',
    edits: [
      {
        find: 'for (const block of blocks) queue.restore(block);',
        put: 'for (const block of blocks.slice(0, 1)) queue.restore(block);',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'queue-block-number-used-again',
    breaks: 'what is added to a restored queue goes to a block of its own',
    edits: [
      {
        find: 'this.#nextNumber = block.number + 1;',
        put: '',
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'full-disk-refused-and-delivered',
    breaks: 'what was refused reaches nobody',
    edits: [
      {
        find: 'session.stored?.removeFrom(from); session.link',
        put: 'session.link',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'full-disk-retained-not-restored',
    breaks: 'a retained message that was refused leaves the former one in its place',
    edits: [
      {
        find: 'this.#restore(all[index] as Replacement);',
        put: 'void all[index];',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'full-disk-acknowledgement-forgotten',
    breaks: 'PUBREL that came on a full disk is answered when there is room',
    edits: [
      {
        find: 'if (session !== null && connection.session === session) this.onPubrel(packetId);',
        put: 'void session;\n      void packetId;',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'refusal-waits-for-a-commit',
    breaks: 'what a full disk refused is answered at once',
    edits: [
      {
        find: 'this.#sendAcks(acks, committed);',
        put: '',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'duplicate-waits-for-refused',
    breaks: 'nobody waits for a record that was refused',
    edits: [
      {
        find: 'this.lastPosition = Math.min(this.lastPosition, position - 1);',
        put: '',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'received-kept-after-refusal',
    breaks: 'a QoS 2 message that was refused with PUBREC may be sent again [MQTT-4.3.3-9]',
    edits: [
      {
        find: 'if (type === PacketType.PUBREC) session.received.delete(packetId);',
        put: '',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'inside-ack-not-written',
    breaks:
      'what a consumer inside of the program has acknowledged does not come again after a restart',
    edits: [
      {
        find: "return 'unknown';\n    this.#complete(delivery);",
        put: "return 'unknown';\n    this.delete(delivery);\n    this.#sendQuota++;",
      },
    ],
    caughtBy: ['simulation'],
  },
  {
    name: 'end-not-waited-for',
    breaks:
      'what nobody stores is acknowledged when no session comes back that has ended, and would have had it',
    edits: [
      {
        find: 'return this.#host.journal.unstoredPosition();',
        put: 'return position;',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'unstored-acknowledged-by-former-owner',
    breaks: 'what nobody stores is acknowledged only while the log is still of this process',
    edits: [
      { find: 'if (!this.#isReplicated || !this.isOpen) return', put: 'if (this.isOpen) return' },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'proof-of-earlier',
    breaks:
      'that a record has got to the replica which was on its way before a message came says nothing of when that came',
    edits: [
      {
        find: 'return this.lastPosition >= this.log.head ? this.lastPosition : null;',
        put: 'return this.lastPosition >= 0 ? this.lastPosition : null;',
      },
    ],
    caughtBy: ['storage'],
  },
  {
    name: 'acknowledged-beside-unwritten-end',
    breaks: 'on a full disk nothing is acknowledged that a session which may come back would miss',
    edits: [
      {
        find: 'if (qos > 0 && !this.#host.journal.acknowledgesUnstored) return true;',
        put: '',
      },
    ],
    caughtBy: ['storage'],
  },
];
