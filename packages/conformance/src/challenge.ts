import type { AuthenticationMethod } from '@promptmq/server';

/** The enhanced authentication of the brokers that the cases start: who knows what comes back is in. */
export const CHALLENGE = 'challenge';

/** What the client is asked, and what lets it in. */
export const QUESTION = 'how do you do?';
export const ANSWER = 'how do you do!';

/** What goes with the success. */
export const GREETING = 'welcome';

/** In place of an answer: asks once more, with that number of bytes. */
export const ASK_LONG = 'tell me more';
export const LONG_QUESTION_BYTES = 200;

export const challenge: AuthenticationMethod = {
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
