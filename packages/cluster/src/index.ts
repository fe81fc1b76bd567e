export {
  type AppendOutcome,
  type ClusterEngine,
  type EngineBounds,
  type EngineEntry,
  EngineError,
  type EngineErrorCode,
  type EngineFacts,
  type EngineLog,
  type EngineMap,
  type MapListener,
  type MapValue,
} from './engine/engine.ts';
