import { type Packet, ReasonCode } from '@promptmq/codec';
import type { Peer } from '../../connection/peer.ts';
import type { ProtocolHost } from '../host.ts';

/**
 * Sends SUBACK or UNSUBACK when what it says is committed.
 *
 * @param position - of the record that it depends on; -1: none
 */
export function answerWhenCommitted(
  host: ProtocolHost,
  connection: Peer,
  position: number,
  packet: Packet,
): void {
  if (position < 0) {
    connection.sender.send(packet);
    return;
  }
  const { journal } = host;
  journal.holdBack(connection);
  journal.whenCommitted({
    position,
    connection,
    onCommitted: () => {
      if (!connection.isEnding) connection.sender.send(packet);
    },
    onRefused: () =>
      connection.disconnect(ReasonCode.QuotaExceeded, 'storage full', 'no room to store it'),
  });
}

/** As `answerWhenCommitted`, when all that has been written by now is committed, too. */
export function answerWhenAllCommitted(
  host: ProtocolHost,
  connection: Peer,
  position: number,
  packet: Packet,
): void {
  const { journal } = host;
  const { lastPosition } = journal;
  journal.whenCommitted({
    position,
    connection,
    onCommitted: () => answerWhenCommitted(host, connection, lastPosition, packet),
    onRefused: () => answerWhenCommitted(host, connection, position, packet),
  });
}
