/** A listener as the API has it. */
export interface ListenerInfo {
  readonly id: string;
  readonly type: string;
  readonly bind: string;
}
