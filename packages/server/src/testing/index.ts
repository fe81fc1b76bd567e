/**
 * A broker for tests: in memory, at free ports, with time that can be advanced, and a network that
 * can be broken.
 */
export { assertNotReceived, assertReceived } from './assertions/assertions.ts';
export type { ExpectedMessage } from './assertions/expectation.ts';
export { type MatcherContext, matchers, type TestMatchers } from './assertions/matchers.ts';
export type { TestClock } from './clock/test-clock.ts';
export { createTestBroker } from './create-test-broker.ts';
export type { Fault } from './faults/fault.ts';
export type { PacketName, PacketSelection } from './faults/packet-selection.ts';
export type { RandomKind } from './faults/random-faults.ts';
export type { CutOptions, RandomOptions, TestFaults } from './faults/test-faults.ts';
export type { WaitOptions } from './messages/message-store.ts';
export type { ReceivedMessage } from './messages/received-message.ts';
export type { RestartOptions, TestBroker } from './test-broker.ts';
export { TestBrokerError, type TestBrokerErrorCode } from './test-broker-error.ts';
export type { TestBrokerOptions } from './test-broker-options.ts';
