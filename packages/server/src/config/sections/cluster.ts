import { z } from 'zod';
import { flag, list, text, valueKinds } from '../values/units.ts';

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
  })
  .prefault({});
