import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../packages/server/src/config/index.ts';

const examples = join(import.meta.dirname, '../../examples/systemd');
const files = readdirSync(examples).sort();
const isVerifierThere = spawnSync('systemd-analyze', ['--version']).error === undefined;

/** The values of a setting, also where it is given several times. */
function valuesOf(name: string, file: string): string[] {
  const text = readFileSync(join(examples, file), 'utf8');
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);
}

test('there are the unit and what may be added to it', () => {
  expect(files).toEqual(['low-ports.conf', 'promptmq.service', 'tls.conf']);
});

test.each(files)('%s: a capability that is given is in the bounding set, too', (file) => {
  expect(valuesOf('CapabilityBoundingSet', file)).toEqual(valuesOf('AmbientCapabilities', file));
});

test('a key that only root may read is handed over by systemd, to where the broker looks', () => {
  const environment = Object.fromEntries(
    valuesOf('Environment', 'tls.conf').map((value) => value.split('=') as [string, string]),
  );
  const handedOver = valuesOf('LoadCredential', 'tls.conf').map(
    (value) => `/run/credentials/promptmq.service/${value.split(':')[0]}`,
  );
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-'));
  try {
    const { config } = loadConfig({ flags: {}, environment, workingDirectory: folder });
    expect([config.server.tls?.cert, config.server.tls?.key]).toEqual(handedOver);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const verify = isVerifierThere ? test : test.skip;
verify(
  `systemd finds nothing wrong${isVerifierThere ? '' : ': no systemd-analyze on this machine'}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-units-'));
    try {
      const additions = join(folder, 'promptmq.service.d');
      mkdirSync(additions);
      for (const file of files) {
        const target = file.endsWith('.service') ? folder : additions;
        copyFileSync(join(examples, file), join(target, file));
      }
      const { status, stderr } = spawnSync(
        'systemd-analyze',
        ['verify', join(folder, 'promptmq.service')],
        { encoding: 'utf8', env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` } },
      );
      expect([status, stderr]).toEqual([0, '']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
