import type { Ban } from '@promptmq/auth';
import type { Config } from '../config/index.ts';
import type { Peer } from '../connection/peer.ts';
import type { Logger } from '../log/index.ts';
import type { Faults } from '../runtime/faults.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { Journal } from '../storage/journal.ts';
import type { Asker, LiveAnswer } from './asking.ts';

/** What bans need of the house. */
export interface BansHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now' | 'wallNow' | 'defer'>;
  readonly stats: Pick<BrokerStats, 'bansCurrent' | 'flappingBans'>;
  readonly log: Logger;
  /** For what clients can cause: lines beyond the limit are left out and counted. */
  readonly clientLog: Logger;
  /** Where what outlives the process is written. */
  readonly journal: Journal;
  /** Disconnects the clients that a ban is on. */
  disconnectBanned(ban: Ban): void;
}

/** One connection of a user. */
export interface ConnectedUser {
  readonly clientId: string;
  /** Without its port. */
  readonly address: string;
}

/** All processes of the same broker, this one among them. */
export interface UsersElsewhere {
  /**
   * Has all of them carry out a request, by `LiveUsers.askHere`.
   *
   * @returns what is answered
   * @throws {Error} by rejection, when one of them isn't there or hasn't answered; its message is for whoever asks
   */
  change(payload: Uint8Array, asker: Omit<Asker, 'connection'>): Promise<string>;
}

/** What users that are changed while the broker runs need of the house. */
export interface LiveUsersHost {
  readonly stats: Pick<BrokerStats, 'controlCommands' | 'controlCommandsRefused'>;
  readonly log: Logger;
  /** Where what outlives the process is written. */
  readonly journal: Journal;
  /** Who is connected, by user name. */
  connectedUsers(): ReadonlyMap<string, readonly ConnectedUser[]>;
  /**
   * Users or rules have changed: whether clients may stay, and what they may do, is found out again.
   *
   * @param userNames - whose, null among them for clients without one; null is everybody's
   * @param except - who comes later
   */
  onUsersChanged(userNames: ReadonlySet<string | null> | null, except: Peer | null): void;
}

/** What the topic for requests needs of the house. */
export interface ControlTopicHost {
  readonly liveUsers: { ask(payload: Uint8Array, asker: Asker): Promise<LiveAnswer> };
  readonly log: Logger;
  readonly faults: Faults;
  /** Sends a message to one client, where it has subscribed to its topic. */
  respond(connection: Peer, topic: string, payload: Uint8Array): void;
  /** Finds out again whether a client may stay, and what it may do. */
  applyAccess(connection: Peer): void;
}
