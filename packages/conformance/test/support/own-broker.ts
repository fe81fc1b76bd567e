import { type AuthenticationMethod, createBroker } from '@promptmq/server';
import {
  ANSWER,
  ASK_LONG,
  CHALLENGE,
  GREETING,
  LONG_QUESTION_BYTES,
  QUESTION,
} from '../../src/challenge.ts';
import { type OwnBroker, parseTarget } from '../../src/index.ts';

const challenge: AuthenticationMethod = {
  name: CHALLENGE,
  begin: () => ({
    // A promise now and then: what a method that asks another service does.
    next: async (data) => {
      const text = Buffer.from(data).toString();
      if (text === '') return { result: 'continue', data: Buffer.from(QUESTION) };
      if (text === ASK_LONG) return { result: 'continue', data: Buffer.alloc(LONG_QUESTION_BYTES) };
      if (text === ANSWER) return { result: 'success', data: Buffer.from(GREETING) };
      return { result: 'refuse', why: 'wrong answer' };
    },
  }),
};

/** A PromptMQ that the cases can ask everything of. */
export async function startOwn(mqtt: Readonly<Record<string, unknown>>): Promise<OwnBroker> {
  const broker = await createBroker({ mqtt }, { authenticationMethods: [challenge] });
  return {
    target: parseTarget(`${broker.url}`, { wsUrl: `${broker.wsUrl}/mqtt` }),
    clients: broker.clients,
    stop: () => broker.stop(),
  };
}
