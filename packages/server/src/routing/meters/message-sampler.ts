/** Looks at some of the messages that are routed. */
export interface MessageSampler {
  /** One more message is routed. @returns whether it is one of those that are looked at */
  isDue(): boolean;
  /** @param publisherId - empty when no client published it */
  noteMessage(topic: string, publisherId: string, payloadSize: number): void;
  /** The same message is for a subscriber. @param count - how many such this one stands for */
  noteSubscriber(clientId: string, payloadSize: number, count: number): void;
  /** That was all of it. */
  endMessage(): void;
}

/** Subscribers of one message that are noted: of more, each stands for several. */
export const NOTED_SUBSCRIBERS_MAX = 1000;
