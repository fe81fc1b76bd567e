import type { ControlOutcome } from '@promptmq/auth';
import type { Peer } from '../connection/peer.ts';

/** Who asks for something. */
export interface Asker {
  /** For the log. */
  readonly clientId: string;
  readonly userName: string | null;
  /** Null where it is nobody who is connected. */
  readonly connection: Peer | null;
}

/** What is answered, when what it says is committed. */
export interface LiveAnswer {
  /** `{"responses": [...]}` */
  readonly response: string;
  /** Whether something may be different for clients of everyone, or of some users. */
  readonly affected: ControlOutcome['affected'];
}
