/** One subscription, as EMQX has it. */
export interface Subscription {
  readonly clientid: string;
  readonly topic: string;
  readonly qos: number;
  readonly nl: number;
  readonly rap: number;
  readonly rh: number;
}
