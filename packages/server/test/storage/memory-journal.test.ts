import { expect, test } from '@jest/globals';
import { MemoryJournal } from '../../src/storage/memory-journal.ts';
import { Simulation } from '../support/simulation.ts';

test('where nothing outlives the process, what waits for a record or for room is done at once', () => {
  const journal = new MemoryJournal();
  const done: string[] = [];
  const refused = () => done.push('refused');
  journal.whenCommitted({
    position: 7,
    onCommitted: () => done.push('committed'),
    onRefused: refused,
  });
  journal.whenRoom(() => done.push('room'));
  journal.awaitAcks({
    connection: null as never,
    sendCommittedAcks: (position) => done.push(`acks before ${position}`) > 0,
    refuseAcks: refused,
  });
  journal.readBack(null, null, () => done.push('read'));
  expect(done).toEqual(['committed', 'room', 'acks before Infinity', 'read']);
});

test('where nothing outlives the process, no session gets a number or a store, whatever its expiry', () => {
  const simulation = new Simulation();
  const { broker } = simulation;
  const client = simulation.connect('client', { properties: { sessionExpiryInterval: 3600 } });
  client.publish('t', 'kept', { qos: 2, retain: true, messageId: 1 });
  const [session] = broker.sessions.all();
  expect(session).toMatchObject({ isStored: false, stored: null, expiryInterval: 3600 });
  expect(broker.router.retained.get('t')).toBeDefined();
  expect(client.brief()).toEqual(['pubrec 16']);
});
