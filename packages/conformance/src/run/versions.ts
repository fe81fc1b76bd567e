import { RawClient } from '../client/raw-client.ts';
import { hostAndPort, type Target, TargetError } from '../client/target.ts';
import { connect } from '../wire/client-packets.ts';
import { WireError } from '../wire/reader.ts';
import { VERSION_NAMES, type Version } from '../wire/version.ts';

const VERSIONS: readonly Version[] = [5, 4, 3];

/** The first byte of the only packet that CONNECT may be answered with. */
const CONNACK = 0x20;

/** Reason and return codes of CONNACK that say that the version is not spoken. */
const NOT_SPOKEN: readonly number[] = [0x01, 0x84];

/**
 * Asks a broker by a CONNECT of each version which of them it speaks.
 *
 * @returns those; at least one
 * @throws {TargetError} when the broker can't be reached, lets nobody in, or speaks none of them
 */
export async function spokenVersions(target: Target): Promise<readonly Version[]> {
  const spoken: Version[] = [];
  let why = '';
  for (const version of VERSIONS) {
    const refusal = await ask(target, version, version);
    if (refusal === null) spoken.push(version);
    else why = refusal;
  }
  if (spoken.length === 0) throw new TargetError(`${target.url} speaks no version of MQTT: ${why}`);
  return spoken;
}

/**
 * @param readAs - the version of the answer
 * @returns null when the version is spoken, or why it is taken not to be
 */
async function ask(target: Target, version: Version, readAs: Version): Promise<string | null> {
  const client = await open(target, readAs);
  try {
    const clientId = `probe${Math.floor(Math.random() * 1e9)}`;
    client.send(connect({ version, clientId }));
    const answer = await client.next();
    if (answer === null) return 'it closes the connection';
    if (answer.type !== 'connack') return `it answers ${answer.type} to CONNECT`;
    const code = answer.reasonCode;
    if (code === 0) return null;
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
