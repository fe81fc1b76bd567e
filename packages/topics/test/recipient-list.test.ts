import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MatchedRecipient } from '../src/subscriptions/recipient.ts';
import { RecipientList } from '../src/subscriptions/recipient-list.ts';
import { newSubscription } from './support/members.ts';

test('however many come and go, each session is found with its last subscription', () => {
  const isAdded = fc.constantFrom(true, true, true, false);
  const operation = fc.record({ session: fc.nat(30), isAdded });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 100, size: 'max' }), (operations) => {
      const list = new RecipientList<number>();
      const model = new Map<number, MatchedRecipient<number>>();
      for (const { session, isAdded } of operations) {
        if (isAdded) {
          const recipient = new MatchedRecipient(session, newSubscription('a'));
          list.put(recipient);
          model.set(session, recipient);
        } else {
          expect(list.remove(session)).toBe(model.delete(session));
        }
        list.checkInvariants();
        expect(list.items).toHaveLength(model.size);
        for (const [one, recipient] of model) {
          expect(list.items[list.positionOf(one)]).toBe(recipient);
        }
        if (!isAdded) expect(list.positionOf(session)).toBe(-1);
      }
    }),
  );
});
