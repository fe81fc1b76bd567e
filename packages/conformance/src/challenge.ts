/** The enhanced authentication of a broker that is asked everything: who knows what comes back is in. */
export const CHALLENGE = 'challenge';

/** What the client is asked, and what lets it in. */
export const QUESTION = 'how do you do?';
export const ANSWER = 'how do you do!';

/** What goes with the success. */
export const GREETING = 'welcome';

/** In place of an answer: asks once more, with that number of bytes. */
export const ASK_LONG = 'tell me more';
export const LONG_QUESTION_BYTES = 200;
