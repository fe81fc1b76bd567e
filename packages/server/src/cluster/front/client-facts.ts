import type { CertificateFacts } from '@promptmq/auth';
import type { Transport } from '../../connection/transport.ts';

/** What one process says to another of a client whose connection it has accepted. */
export interface ClientFacts {
  readonly remoteAddress: string;
  readonly protocol: string;
  /** The name of the listener that it came to; null where there was none. */
  readonly listener: string | null;
  readonly localPort: number;
  /** How long ago it was accepted, in milliseconds. */
  readonly ageMs: number;
  readonly certificate: CertificateFacts | null;
  readonly certificateName: string | null;
  readonly pskIdentity: string | null;
  readonly userName: string | null;
  /** The largest packet that its transport can bring, in bytes; null: any. */
  readonly maximumPacketSize: number | null;
}

/** @param now - milliseconds of the clock by which the transport was accepted */
export function factsOf(transport: Transport, now: number): ClientFacts {
  return {
    remoteAddress: transport.remoteAddress,
    protocol: transport.protocol,
    listener: transport.listener?.name ?? null,
    localPort: transport.localPort ?? 0,
    ageMs: Math.max(0, now - (transport.acceptedAt ?? now)),
    certificate: transport.certificate ?? null,
    certificateName: transport.certificateName ?? null,
    pskIdentity: transport.pskIdentity ?? null,
    userName: transport.userName ?? null,
    maximumPacketSize: transport.maximumPacketSize ?? null,
  };
}

export function encodeFacts(facts: ClientFacts): Uint8Array {
  return Buffer.from(JSON.stringify(facts));
}

/** Of a process of the same broker, which runs the same code. */
export function decodeFacts(bytes: Uint8Array): ClientFacts {
  return JSON.parse(Buffer.from(bytes).toString()) as ClientFacts;
}
