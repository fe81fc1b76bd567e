import { z } from 'zod';
import { flag, list, size, text, valueKinds } from '../values/units.ts';

const GIGABYTE = 1_000_000_000;

/** What a broker without a name of its own is called. */
const NODE_ID_DEFAULT = 'promptmq';

/**
 * The name of a broker among others, such as `promptmq@127.0.0.1`: as EMQX has them, a name and an address.
 */
export function nodeName({ cluster }: { readonly cluster: { readonly nodeId: string } }): string {
  const id = cluster.nodeId === '' ? NODE_ID_DEFAULT : cluster.nodeId;
  return id.includes('@') ? id : `${id}@127.0.0.1`;
}

/** More nodes than one: the keys are taken, but the feature is not there yet. */
export const clusterSection = z
  .strictObject({
    enabled: flag()
      .refine((isEnabled) => !isEnabled, 'false only: this version runs as a single node')
      .register(valueKinds, { kind: 'boolean', orAuto: false })
      .prefault(false)
      .describe('whether this broker is one of several; not available yet')
      .meta({ restart: true }),
    nodeId: text(128)
      .refine((id) => id === '', 'no value: this version runs as a single node')
      .register(valueKinds, { kind: 'text', lengthMax: 128 })
      .prefault('')
      .describe('name of this broker among the others; not available yet')
      .meta({ restart: true }),
    peers: list(100)
      .refine((peers) => peers.length === 0, 'no value: this version runs as a single node')
      .register(valueKinds, { kind: 'list', lengthMax: 100 })
      .prefault([])
      .describe('addresses of the others; not available yet')
      .meta({ restart: true }),
    maxBacklog: size(1, 1_000_000 * GIGABYTE)
      .prefault('1GB')
      .describe(
        'bytes that may wait for another cell, as a worker that is away: messages of QoS 1 and 2 that are for it are refused beyond',
      ),
  })
  .prefault({});
