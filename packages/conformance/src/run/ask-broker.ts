import { RawClient } from '../client/raw-client.ts';
import { hostAndPort, type Target, TargetError } from '../client/target.ts';
import { connect } from '../wire/client-packets.ts';
import { WireError } from '../wire/reader.ts';
import type { ReceivedPacket } from '../wire/server-packet.ts';
import { VERSION_NAMES, type Version } from '../wire/version.ts';

const VERSIONS: readonly Version[] = [5, 4, 3];

/** The first byte of the only packet that CONNECT may be answered with. */
const CONNACK = 0x20;

/** Reason and return codes of CONNACK that say that the version is not spoken. */
const NOT_SPOKEN: readonly number[] = [0x01, 0x84];

/** No case has larger packets. */
const LARGE_PACKET_SIZE = 4_194_304;

/** What a broker says of itself. */
export interface BrokerAnswers {
  /** The versions that it speaks; at least one. */
  readonly versions: readonly Version[];
  /** In words, what its CONNACK to MQTT 5 says that it does not offer (§3.2.2.3). */
  readonly limits: readonly string[];
}

/**
 * Asks a broker by a CONNECT of each version whether it speaks that.
 *
 * @throws {TargetError} when the broker can't be reached, lets nobody in, or speaks none of them
 */
export async function askBroker(target: Target): Promise<BrokerAnswers> {
  const versions: Version[] = [];
  const limits: string[] = [];
  let why = '';
  for (const version of VERSIONS) {
    const answer = await ask(target, version, version);
    if (typeof answer === 'string') {
      why = answer;
      continue;
    }
    versions.push(version);
    if (version === 5 && answer !== null) limits.push(...limitsOf(answer));
  }
  if (versions.length === 0) {
    throw new TargetError(`${target.url} speaks no version of MQTT: ${why}`);
  }
  return { versions, limits };
}

function limitsOf({ properties }: ReceivedPacket): string[] {
  const find = (wanted: number) => properties.find(({ id }) => id === wanted)?.value;
  const limits: string[] = [];
  if (find(0x24) !== undefined) limits.push(`QoS ${find(0x24)} at most`);
  if (find(0x25) === 0) limits.push('no retained messages');
  if (find(0x28) === 0) limits.push('no wildcards');
  if (find(0x29) === 0) limits.push('no subscription identifiers');
  if (find(0x2a) === 0) limits.push('no shared subscriptions');
  if ((find(0x22) ?? 0) === 0) limits.push('no topic aliases');
  const packetSizeMax = find(0x27);
  if (typeof packetSizeMax === 'number' && packetSizeMax < LARGE_PACKET_SIZE) {
    limits.push(`packets of ${packetSizeMax} bytes at most`);
  }
  return limits;
}

/**
 * @param readAs - the version of the answer
 * @returns CONNACK when the version is spoken, null where that can't be read; or why it is taken not to be spoken
 */
async function ask(
  target: Target,
  version: Version,
  readAs: Version,
): Promise<ReceivedPacket | string | null> {
  const client = await open(target, readAs);
  try {
    const clientId = `probe${Math.floor(Math.random() * 1e9)}`;
    client.send(connect({ version, clientId }));
    const answer = await client.next();
    if (answer === null) return 'it closes the connection';
    if (answer.type !== 'connack') return `it answers ${answer.type} to CONNECT`;
    const code = answer.reasonCode;
    if (code === 0) return answer;
    const text = `CONNACK 0x${code.toString(16).padStart(2, '0')}`;
    if (NOT_SPOKEN.includes(code)) return `it answers ${text}`;
    throw new TargetError(
      `${target.url} refuses a CONNECT of ${VERSION_NAMES[version]} with ${text}: if it wants a user name and a password, see --username and --password`,
    );
  } catch (error) {
    if (error instanceof TargetError) throw error;
    if (client.firstByte !== null && client.firstByte !== CONNACK) {
      throw new TargetError(`${target.url} does not answer CONNECT as an MQTT broker does`);
    }
    if (!(error instanceof WireError)) return (error as Error).message;
    // Who doesn't know MQTT 5 refuses it in the CONNACK of 3.1.1. What else is wrong with it is for the cases to find.
    return readAs === 5 ? ask(target, version, 4) : null;
  } finally {
    client.destroy();
  }
}

async function open(target: Target, version: Version): Promise<RawClient> {
  try {
    return await RawClient.open(target, version);
  } catch (error) {
    const { host, port } = hostAndPort(target.url);
    const { message, code } = error as NodeJS.ErrnoException;
    throw new TargetError(`${host}:${port} can't be reached: ${message === '' ? code : message}`, {
      cause: error,
    });
  }
}
