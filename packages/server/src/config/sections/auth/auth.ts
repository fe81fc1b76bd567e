import { z } from 'zod';
import {
  choice,
  duration,
  flag,
  flagOrAuto,
  integer,
  list,
  pathOrNone,
} from '../../values/units.ts';
import { chain } from './chain.ts';

/** Who may connect, and what they may publish and subscribe. */
export const authSection = z
  .strictObject({
    chain: chain()
      .prefault([])
      .describe(
        'who is asked who a client is, one after the other, until one allows or denies; what nobody allows is refused',
      ),
    allowAnonymous: flagOrAuto()
      .prefault('auto')
      .describe(
        'whether clients that name nobody may connect; auto: only while there is nothing by which anybody could prove who he is, neither auth.chain nor auth.password-file nor server.tls.use-subject-as-user-name',
      ),
    withoutUsers: choice('local', 'everywhere')
      .prefault('local')
      .describe(
        'from where clients may connect while nobody has to prove who he is, and auth.allow-anonymous is auto: local is only from this machine at addresses without HOST, such as :1883; everywhere is as they say, with a warning',
      )
      .meta({ restart: true }),
    passwordFile: pathOrNone()
      .prefault(null)
      .describe(
        'file of user names and hashed passwords, as promptmq passwd makes it; the same as password-file as the last of auth.chain',
      ),
    cachedAnswers: integer(1, 1_000_000)
      .prefault(10_000)
      .describe(
        'answers that are remembered of each provider of auth.chain that has a cache: as many that allow, and as many others, of about 300 bytes each; the oldest make room',
      ),
    aclFile: pathOrNone()
      .prefault(null)
      .describe(
        'file of rules on who may publish and subscribe to what, of this broker or of mosquitto; without rules, everyone may do everything',
      ),
    aclDefault: choice('auto', 'allow', 'deny')
      .prefault('auto')
      .describe(
        'whether clients may publish and subscribe to what no rule names: auto denies it where there are rules for the client, and allows it where there are none',
      ),
    clientIds: list(100)
      .prefault([])
      .describe(
        'client identifiers that clients may choose, exact or with * at the end; %u is the proved user name; empty allows any',
      ),
    otherUsersSession: choice('refuse', 'replace')
      .prefault('refuse')
      .describe(
        'what happens to a client whose identifier has a session of another user: it is refused, or that session ends and it gets a new one',
      ),
    maxBans: integer(0, 1_000_000)
      .prefault(10_000)
      .describe(
        'bans by client, user, address or network that there may be: some megabytes; those of auth.flapping make room for others',
      ),
    flapping: z
      .strictObject({
        enabled: flag()
          .prefault(false)
          .describe(
            'whether clients that connect and go again all the time are banned for a while',
          ),
        maxCount: integer(1, 1_000_000)
          .prefault(15)
          .describe('ends of the connections of a client within the window that are too many'),
        window: duration(1000, 86_400_000).prefault('1m').describe('in which they are counted'),
        ban: duration(1000, 31_536_000_000)
          .prefault('5m')
          .describe('how long the client identifier is banned'),
      })
      .prefault({}),
    guesses: z
      .strictObject({
        perClient: integer(0, 1_000_000)
          .prefault(10)
          .describe(
            'wrong passwords of one address for one user name in ten minutes, after which it has to wait: 10, as a person mistypes some; 0 is no limit',
          ),
        perAddress: integer(0, 1_000_000)
          .prefault(100)
          .describe(
            'wrong passwords of one address in ten minutes, whatever the user names, after which it has to wait, but for users with whom it has been right: 100, as many clients may be behind one; 0 is no limit',
          ),
        perUser: integer(0, 1_000_000)
          .prefault(100)
          .describe(
            'wrong passwords for one user name in ten minutes, from whatever addresses, after which those of new addresses are checked two seconds later: 100; 0 is no limit',
          ),
        maxWait: duration(1000, 600_000)
          .prefault('60s')
          .describe(
            'longest time that an address has to wait: it begins with a second, and each further wrong password doubles it. 60s leave one guess a minute, and a client that was put right is soon let in',
          ),
        maxTracked: integer(100, 1_000_000)
          .prefault(10_000)
          .describe(
            'clients, addresses and user names of which it is known how often they were wrong, of each kind this number, of about 200 bytes each; those that did something last stay',
          ),
      })
      .prefault({}),
    maxConcurrentChecks: integer(1, 64)
      .prefault(2)
      .describe(
        'passwords that are checked at the same time, each in a thread of its own with 32 MB: 2, so that a small machine has processors left',
      ),
    maxWaitingChecks: integer(1, 1_000_000)
      .prefault(1000)
      .describe(
        'passwords that wait to be checked, by turns of their addresses and users; when there are more, a client of the address with the most is answered that the broker is busy',
      ),
  })
  .prefault({});
