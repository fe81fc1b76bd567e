import type { Config } from '../../config/index.ts';

/** What a broker without a name of its own is called. */
const NODE_ID_DEFAULT = 'promptmq';

/**
 * The name of this broker among others, such as `promptmq@127.0.0.1`: as EMQX has them, a name and an address.
 */
export function nodeName({ cluster }: Pick<Config, 'cluster'>): string {
  const id = cluster.nodeId === '' ? NODE_ID_DEFAULT : cluster.nodeId;
  return id.includes('@') ? id : `${id}@127.0.0.1`;
}
