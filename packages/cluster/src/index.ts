export { cellOf, cellOfSlot, SLOT_COUNT, slotOf } from './cells/slots.ts';
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
export { NatsEngine } from './engine/nats/nats-engine.ts';
export type { NatsCredentials, NatsOptions } from './engine/nats/nats-options.ts';
export { PostgresEngine } from './engine/postgres/postgres-engine.ts';
export type { PostgresOptions } from './engine/postgres/postgres-options.ts';
export { untilAnswered } from './engine/until-answered.ts';
export {
  type Forward,
  type ForwardHead,
  forwardParts,
  readForward,
  readForwardCells,
} from './forward/forward.ts';
export {
  type Applied,
  appliedBody,
  type Resume,
  type Resumed,
  readApplied,
  readResume,
  readResumed,
  resumeBody,
  resumedBody,
} from './forward/progress.ts';
export {
  type Publish0,
  type Publish0Cell,
  publish0Head,
  readPublish0,
} from './forward/publish0.ts';
export { joinTargets, type Targets } from './forward/targets.ts';
export { type AnnouncedSubscription, Announcer, type AnnouncerHost } from './interest/announcer.ts';
export { Interest } from './interest/interest.ts';
export { InterestTable, type RemoteRoute } from './interest/interest-table.ts';
export type { MemberCounts, RemoteGroup, RemoteTarget } from './interest/remote-group.ts';
export {
  CHANNEL_WINDOW,
  Channel,
  Channels,
  type ChannelsOptions,
  type ChannelUser,
} from './links/channels.ts';
export { FrameReader, FrameType, FrameWriter } from './links/frames.ts';
export type { Membership } from './links/handshake.ts';
export type {
  FrameHandler,
  Lane,
  Link,
  LinkEnd,
  LinkFigures,
  LinkUser,
  ServedCell,
} from './links/link.ts';
export { laneOf } from './links/link.ts';
export { LinkError, type LinkErrorCode } from './links/link-error.ts';
export { type LinkAddress, LinkNode, type LinkNodeOptions } from './links/link-node.ts';
export { LinkSet } from './links/link-set.ts';
export type { LinkTls } from './links/link-tls.ts';
export { LINK_DEFAULTS, type StreamLinkOptions } from './links/stream-link.ts';
export {
  decodeEntry,
  decodeOwner,
  ENTRY_HEADER_SIZE,
  type Entry,
  type EntryFields,
  EntryFlag,
  type EntryHead,
  EntryKind,
  encodeHeader,
  encodeOwner,
  type Owner,
} from './log/entry.ts';
export { BEGINNING, EpochReader, type ReadEntry, type ReaderState } from './log/epoch-reader.ts';
export {
  EpochWriter,
  type OwnedBytes,
  type PendingEntry,
  type WriterStep,
} from './log/epoch-writer.ts';
export { FencedError, type FencedErrorCode } from './log/fenced-error.ts';
export {
  type Claim,
  claimCell,
  FencedLog,
  type FencedOptions,
  FencedReader,
  type FencedStats,
  type TakeEntry,
} from './log/fenced-log.ts';
export { FollowedLog } from './log/followed-log.ts';
export { CellRestore, type TakenCell, type Takeover, takeCell } from './log/restore.ts';
export { Shipper, type ShipperOptions } from './log/shipper.ts';
export { deviations, disagreements, SECRET_KEY, type Settings } from './map/agreement.ts';
export { LogNotedOtherwise, noteCellLog, readCellLog } from './map/cell-log.ts';
export {
  type Directory,
  type DirectoryCell,
  type DirectoryNode,
  type LinkPlace,
  linkPlace,
} from './map/directory.ts';
export {
  type CellRecord,
  type CellState,
  type DrainRecord,
  type Durability,
  isNodeId,
  type LogRecord,
  type MetaRecord,
  type NodeFacts,
  type NodeRecord,
  RecordError,
} from './map/records.ts';
export {
  type ClusterSnapshot,
  cancelDrain,
  forgetCell,
  forgetNode,
  type RequestOutcome,
  readCluster,
  requestDrain,
  requestMove,
} from './map/requests.ts';
export { MEMBER_LEVEL, Member } from './membership/member.ts';
export {
  MEMBER_TIMES,
  type MemberOptions,
  MembershipError,
  type MembershipErrorCode,
  type MemberTimes,
  type Reach,
} from './membership/member-options.ts';
export type {
  ClaimReason,
  MemberState,
  MembershipEvent,
  MembershipHost,
  StateReason,
} from './membership/membership-host.ts';
export type { Stand } from './membership/standing.ts';
export {
  type Barrier,
  decodeBarrier,
  decodePassed,
  encodeBarrier,
  encodePassed,
} from './retained/barrier-frames.ts';
export {
  decodeKeeper,
  encodeKeeper,
  type RetainedSet,
  readRetainedSet,
  retainedSetParts,
} from './retained/retained-frames.ts';
export { type ExportOptions, type ExportReport, exportCell } from './tools/export-cell.ts';
export { type CellImport, claimUnusedCell, IMPORT_EPOCH } from './tools/import-cell.ts';
export type { CellReadOptions } from './tools/read-cell.ts';
export { type CellRepair, type CellRepairReport, repairCell } from './tools/repair-cell.ts';
export { type CellOwnerReport, type CellReport, verifyCell } from './tools/verify-cell.ts';
export { type EngineLoss, remedyOfLoss, textOfLoss } from './witness/engine-loss.ts';
export { EngineLostData } from './witness/engine-lost-data.ts';
export { decodeWitnesses, encodeWitnesses, type Witness, witnessOf } from './witness/witness.ts';
export { WitnessBook } from './witness/witness-book.ts';
