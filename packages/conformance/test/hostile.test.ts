import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type HostileJson, hostileCases } from '../src/index.ts';
import { type AttackedBroker, startAttacked } from './support/attacked-broker.ts';

const bin = join(import.meta.dirname, '../bin/promptmq-conformance.js');

let broker: AttackedBroker;
let report: HostileJson;

/** All cases in one run, as somebody else would do it: attackers, canary and broker are three programs. */
beforeAll(async () => {
  broker = await startAttacked();
  const { target, pid } = broker;
  const { credentials, other } = target;
  // No measurement: a canary that is served at all is one that is served within this time.
  const limits = ['--canary-max', '15000', '--growth-max', '1000'];
  const users = [
    ...['--user', `${credentials?.username}`, '--password', `${credentials?.password}`],
    ...['--other-user', `${other?.username}`, '--other-password', `${other?.password}`],
  ];
  const child = spawn(process.execPath, [
    ...[bin, 'hostile', '--target', target.url, '--ws-target', `${target.wsUrl}`],
    ...['--tls-target', `${target.tlsUrl}`, '--pid', `${pid}`, '--json', ...users, ...limits],
    ...['--connect-timeout', `${target.connectTimeoutMs / 1000}`],
  ]);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  await once(child, 'close');
  if (output === '') throw new Error(errors);
  report = JSON.parse(output);
}, 300_000);

afterAll(() => broker.stop());

test.each(hostileCases.map(({ area, title }) => [area, title]))('%s: %s', (_, title) => {
  const found = report.cases.find((one) => one.title === title);
  expect(found).toMatchObject({ outcome: 'passed', reason: null });
  expect(found?.worstMs).not.toBeNull();
  if (process.platform === 'linux') expect(found?.memory?.before).toBeGreaterThan(0);
});

test('no attack made the broker fail in itself, nor hide what it refused', () => {
  const events = broker.log();
  expect(events.filter(({ event }) => event === 'internal-error')).toEqual([]);
  expect(events.filter(({ level }) => level === 'fatal')).toEqual([]);
  const names = new Set(events.map(({ event }) => event));
  for (const name of [
    'packet-refused',
    'connect-refused',
    'connection-refused',
    'access-refused',
  ]) {
    expect(names).toContain(name);
  }
});

test('titles are unique, and each says what must come of it', () => {
  expect(new Set(hostileCases.map(({ title }) => title)).size).toBe(hostileCases.length);
  for (const { answer } of hostileCases) expect(answer).not.toBe('');
});
