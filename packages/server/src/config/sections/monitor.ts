import { z } from 'zod';
import { duration, flagOrAuto, integer } from '../values/units.ts';

const DAY_MS = 86_400_000;

/** What the broker keeps of its own figures, and when it raises an alarm. */
export const monitorSection = z
  .strictObject({
    enabled: flagOrAuto()
      .prefault('auto')
      .describe(
        'whether figures of the last day are kept, and alarms are raised: auto is as soon as the admin socket or the admin API is served',
      )
      .meta({ restart: true }),
    slowSync: duration(1, DAY_MS)
      .prefault('100ms')
      .describe(
        'how long the disk may take to make records safe, 99 of 100 times, without an alarm',
      ),
    slowLoop: duration(1, DAY_MS)
      .prefault('200ms')
      .describe('how late the event loop may be, 99 of 100 times, without an alarm'),
    queuePercent: integer(1, 100)
      .prefault(80)
      .describe('part of what may wait for one client from which on there is an alarm'),
    certificateDays: integer(0, 3650)
      .prefault(14)
      .describe('days before a certificate of a listener expires in which there is an alarm'),
  })
  .prefault({});

/** Which topics, publishers and subscribers have most of the messages. */
export const analyticsSection = z
  .strictObject({
    enabled: flagOrAuto()
      .prefault('auto')
      .describe(
        'whether messages are looked at: auto is from the first question on until nobody has asked for 15 minutes; docs/operations.md says how exact it is',
      ),
    samplesPerSecond: integer(10, 1_000_000)
      .prefault(2000)
      .describe(
        'publishers and subscribers of messages that are noted in a second; where there are more, one message of so many stands for all',
      ),
    entries: integer(10, 10_000)
      .prefault(200)
      .describe(
        'topics, publishers and subscribers that are followed in each minute of the last hour: with 200, some 5 MB and their names',
      ),
    depth: integer(1, 16)
      .prefault(2)
      .describe('levels of a topic that make the prefix by which topics are counted together'),
  })
  .prefault({});
