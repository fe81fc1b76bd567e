/** Where the broker under test listens. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** For WebSocket, such as `ws://127.0.0.1:8080/mqtt`; null when there is none. */
  readonly wsUrl: string | null;
}
