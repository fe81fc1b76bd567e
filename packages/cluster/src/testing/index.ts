/** A kit for tests and simulations of what stands on a cluster: an engine in memory, which fails by seed, and links in memory. */
export {
  MemoryEngine,
  type MemoryFaults,
  MemoryLog,
  MemoryMap,
  type MemoryOptions,
  type MemoryRandom,
  MemoryServers,
  NO_FAULTS,
} from '../engine/memory-engine.ts';
export { MemoryLink, type MemoryLinkOptions, type MemorySide } from '../links/memory-link.ts';
