import type { MembershipEvent } from '@promptmq/cluster';
import type { Logger } from '../../log/index.ts';

/** Writes to the log what happens among nodes and cells. */
export function logMembership(log: Logger, event: MembershipEvent): void {
  switch (event.kind) {
    case 'node-alive':
      log.info('node-alive', { node: event.node });
      return;
    case 'node-late':
      log.warn('node-late', { node: event.node, isRefused: event.isRefused });
      return;
    case 'node-gone':
      log.info('node-gone', { node: event.node });
      return;
    case 'cell-claimed': {
      const { cell, epoch, reason, from } = event;
      log.info('cell-claimed', { cell, epoch, reason, ...(from === null ? {} : { from }) });
      return;
    }
    case 'cell-serving':
      log.info('cell-serving', { cell: event.cell, epoch: event.epoch });
      return;
    case 'cell-ended':
      log.error('cell-ended', { cell: event.cell, epoch: event.epoch, why: event.why });
      return;
    case 'move-begun':
      log.info('cell-moving', { cell: event.cell, to: event.to, reason: event.reason });
      return;
    case 'move-cancelled':
      log.warn('cell-move-cancelled', { cell: event.cell, why: event.why });
      return;
    case 'apart':
      if (event.isApart) log.error('node-apart', { why: 'it does not reach the others' });
      else log.info('node-together', { why: 'it reaches the others again' });
      return;
    case 'record-unreadable':
      log.error('record-unreadable', { key: event.key, why: event.why });
      return;
    default:
      event satisfies never;
  }
}
