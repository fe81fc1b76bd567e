import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { otherProgram } from '../../cluster/test/support/other-programs.ts';
import { allCases, type OwnBroker, runCases } from '../src/index.ts';
import { OwnClusters } from './support/own-cluster.ts';

/** What could be another thing where each client is at another node: sessions that are taken over, retained messages, order. */
const RULES = /^MQTT-(3\.1\.4-3|3\.3\.1-[5-8]|4\.6\.0)/;

const program = otherProgram('nats-server');
const withServers = program.missing === null ? describe : describe.skip;

// `node scripts conformance --cluster` asks all.
withServers('three nodes, with each connection of a case to another one', () => {
  let clusters: OwnClusters;
  let broker: OwnBroker;

  beforeAll(async () => {
    clusters = await OwnClusters.prepare(program.command, 3);
    broker = await clusters.start({});
  }, 240_000);

  afterAll(() => clusters.stop());

  test('they answer as one broker does', async () => {
    const { target } = broker;
    // Not those that open 1,000 connections.
    const cases = allCases.filter(
      ({ title, rules }) => !title.includes('1,000') && rules.some((rule) => RULES.test(rule)),
    );
    const results = await runCases(cases, { target, versions: [3, 4, 5] });
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(results.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(25);
  }, 300_000);
});
