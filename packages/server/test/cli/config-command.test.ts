import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { configOptions } from '../../src/config/index.ts';

const bin = join(import.meta.dirname, '../../bin/promptmq.js');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-cli-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function run(args: readonly string[], environment: Record<string, string> = {}, input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    encoding: 'utf8',
    input,
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...environment },
  });
  return { status, stdout, stderr };
}

test('config check says that a configuration is right, or all that is wrong with it', () => {
  writeFileSync(join(folder, 'promptmq.yaml'), 'mqtt:\n  max-qos: 1\n');
  expect(run(['config', 'check'])).toMatchObject({ status: 0, stderr: '' });
  expect(run(['config', 'check']).stdout).toContain(`from ${join(folder, 'promptmq.yaml')}`);
  writeFileSync(join(folder, 'promptmq.yaml'), 'mqtt:\n  max-qos: 9\n');
  const { status, stdout, stderr } = run(['config', 'check', '--daemon', 'maybe'], {
    PROMPTMQ_LOG_LEVEL: 'loud',
  });
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr.trim().split('\n')).toHaveLength(3);
  expect(stderr).toMatch(/^promptmq: mqtt\.max-qos \(.*promptmq\.yaml:2:3\): 9 is not allowed/m);
});

test('config check reads the files that the configuration names, too', () => {
  const { status, stderr } = run([
    ...['config', 'check', '--tls-bind', ':8883', '--tls-cert', '/no/cert', '--tls-key', '/no/key'],
    ...['--auth-password-file', '/no/passwords', '--auth-acl-file', '/no/acl'],
  ]);
  expect(status).toBe(2);
  for (const path of ['/no/cert', '/no/key', '/no/passwords', '/no/acl']) {
    expect(stderr).toContain(`(${path}): can't be read`);
  }
});

test('config print and diff show values with their sources', () => {
  const { stdout } = run(['config', 'print', '--no-retain-available'], {
    PROMPTMQ_MQTT_MAX_QOS: '1',
  });
  expect(stdout).toContain('  max-qos: 1 # PROMPTMQ_MQTT_MAX_QOS\n');
  expect(stdout).toContain('  retain-available: false # --retain-available\n');
  expect(run(['config', 'diff', '--max-qos=0']).stdout).toBe(
    'mqtt.max-qos: 0 (default 2, from --max-qos)\n',
  );
  expect(run(['config', 'diff']).stdout).toBe('every option has its default\n');
});

test('config schema prints the JSON Schema, and no action is answered with what there is', () => {
  expect(JSON.parse(run(['config', 'schema']).stdout)).toHaveProperty('properties.mqtt');
  expect(run(['config'])).toMatchObject({ status: 2 });
  expect(run(['config']).stderr).toContain('check, print, diff and schema');
});

test('server --help is grouped and has every option', () => {
  const { stdout } = run(['server', '--help']);
  for (const { flag } of configOptions) expect(stdout).toContain(`--${flag} `);
  for (const group of ['Server:', 'TLS:', 'Storage:', 'Write-ahead log:', 'Logging:']) {
    expect(stdout).toContain(`\n${group}\n`);
  }
});

test('the help of a command shows its own options, which broker is meant, and where the others are', () => {
  const { stdout } = run(['clients', 'list', '--help']);
  for (const flag of ['like', 'json', 'config', 'data-dir', 'admin-socket']) {
    expect(stdout).toContain(`--${flag} `);
  }
  expect(stdout).not.toContain('--max-qos ');
  expect(stdout).toContain('promptmq server --help lists them');
});

describe('completion', () => {
  test.each(['bash', 'zsh'])('there is a script for %s', (shell) => {
    const { status, stdout } = run(['completion', shell]);
    expect(status).toBe(0);
    expect(stdout).toContain(shell === 'zsh' ? '#compdef promptmq' : 'complete -o');
  });

  test('commands, options and their words are completed', () => {
    const complete = (...words: string[]) =>
      run(['--get-yargs-completions', 'promptmq', ...words], { SHELL: '/bin/bash' })
        .stdout.trim()
        .split('\n');
    expect(complete('')).toEqual(expect.arrayContaining(['server', 'config', 'completion']));
    expect(complete('--max-q')).toContain('--max-qos');
    expect(complete('server', '--max-q')).toContain('--max-qos');
    expect(complete('--queue-overflow', '')).toEqual(['drop-newest', 'drop-oldest', 'reject']);
    expect(complete('--storage-enabled', '')).toEqual(['true', 'false']);
    expect(complete('config', '')).toContain('check');
  });
});
