import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import mqtt, { type MqttClient } from 'mqtt';
import type { Page } from 'playwright-core';
import { CertificateAuthority } from '../../packages/server/test/support/certificates.ts';
import { Command } from '../../packages/server/test/support/command.ts';
import { ConsoleBrowser, keepScreenshot, logIn, program } from './support/console-browser.ts';

const SECRET = 'a-secret-that-is-long-enough';
const HOSTILE = '<img src=x onerror=alert(1)>';
const DAY_MS = 86_400_000;

const { missing } = program;
if (missing !== null) {
  test.skip(`pages for operators in a browser: ${missing}`, () => {});
} else {
  describe('pages for operators in a browser', tests);
}

function tests(): void {
  // Pages show paths, too.
  const folder = mkdtempSync(join(tmpdir(), `promptmq-${HOSTILE}-`));
  let command: Command;
  let browser: ConsoleBrowser;
  let page: Page;
  let adminUrl: string;
  let mqttUrl: string;

  const configure = (maxQos: number, more = '') =>
    writeFileSync(
      join(folder, 'promptmq.yaml'),
      `
server:
  bind: 127.0.0.1:0
  ws-bind: 127.0.0.1:0
  tls-bind: 127.0.0.1:0
  tls: { cert: cert.pem, key: key.pem }
listeners: [{ name: other, kind: tls, bind: 127.0.0.1:0, cert: "<i>cert.pem", key: "<i>key.pem" }]
storage: { data-dir: "<b>data", wal-dir: "<b>data" }
metrics: { bind: none, enabled: false }
mqtt: { max-qos: ${maxQos} }
auth: { chain: [{ dynamic-security: {} }], allow-anonymous: true }
log: { level: debug }
admin:
  bind: 127.0.0.1:0
  keys: [{ name: all, secret: ${SECRET}, scopes: [read, publish, clients, auth, config] }]
${more}`,
    );

  beforeAll(async () => {
    const inTenDays = new Date(Date.now() + 10.5 * DAY_MS).toISOString();
    const until = `${inTenDays.slice(2, 19).replaceAll(/\D/g, '')}Z`;
    const { cert, key } = new CertificateAuthority().issue('mqtt.example', [
      '200101000000Z',
      until,
    ]);
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 });
    const hostile = new CertificateAuthority(`CA ${HOSTILE}`).issue(`CN ${HOSTILE}`);
    writeFileSync(join(folder, '<i>cert.pem'), hostile.cert);
    writeFileSync(join(folder, '<i>key.pem'), hostile.key, { mode: 0o600 });
    configure(2);
    command = new Command(['--config', 'promptmq.yaml'], folder);
    await command.waitFor(/ready/);
    const found = (pattern: RegExp) => pattern.exec(command.output)?.[1] as string;
    adminUrl = found(/(http:\/\/127\.0\.0\.1:\d+)/);
    mqttUrl = found(/(mqtt:\/\/127\.0\.0\.1:\d+)/);
    browser = await ConsoleBrowser.open();
    page = await browser.page();
    await logIn(page, `${adminUrl}/`, 'all', SECRET);
  });

  afterEach(() => {
    expect(browser.complaints.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    command?.child.kill();
    await command?.exitCode();
    rmSync(folder, { recursive: true, force: true });
  });

  const connect = (options: mqtt.IClientOptions): Promise<MqttClient> =>
    mqtt.connectAsync(mqttUrl, { protocolVersion: 5, reconnectPeriod: 0, ...options });

  const go = async (hash: string, heading: string) => {
    await page.goto(`${adminUrl}/#${hash}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  };

  /** Names are text, whatever they are. */
  const expectNoMarkup = async () =>
    expect(await page.locator('main img, main i, main b, main script').count()).toBe(0);

  const row = (text: string) => page.getByRole('row').filter({ hasText: text });

  test('roles and users are made, hold at once, and each denial is listed with its rule', async () => {
    await go('/access?view=roles', 'Access');
    await page.getByRole('button', { name: 'New role' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Role').fill('<b>reader');
    await dialog.getByRole('button', { name: '+ rule' }).click();
    await dialog.getByLabel('what rule 1 is about').selectOption('subscribePattern');
    await dialog.getByLabel('topic of rule 1').fill('open/#');
    await dialog.getByRole('button', { name: 'Make' }).click();
    await row('<b>reader').getByText('open/#').waitFor();

    await page.getByRole('tab', { name: 'Users' }).click();
    await page.getByRole('button', { name: 'New user' }).click();
    await dialog.getByLabel('User name').fill('alice');
    await dialog.getByLabel('Password').fill('wonderland');
    await dialog.getByLabel('Roles').fill('<b>reader');
    await dialog.getByRole('button', { name: 'Make' }).click();
    await row('alice').getByText('enabled').waitFor();
    await keepScreenshot(page, 'users');

    const alice = await connect({ clientId: HOSTILE, username: 'alice', password: 'wonderland' });
    await alice.subscribeAsync('open/1');
    await expect(alice.subscribeAsync('closed/<i>')).rejects.toThrow();
    await page.getByRole('tab', { name: 'Denied lately' }).click();
    await row(HOSTILE).getByText('closed/<i>').first().waitFor();
    expect(await page.locator('main img, main i, main script').count()).toBe(0);
    await keepScreenshot(page, 'denied');

    await page.getByRole('tab', { name: 'May they?' }).click();
    await page.getByLabel('May user').fill('alice');
    await page.getByLabel('as client').fill(HOSTILE);
    await page.locator('select[name=action]').selectOption('subscribe');
    await page.getByLabel('filter', { exact: true }).fill('open/2');
    await page.getByRole('button', { name: 'May it?' }).click();
    await page.getByRole('status').getByText('Yes').waitFor();
    await page.getByLabel('filter', { exact: true }).fill('closed/2');
    await page.getByRole('button', { name: 'May it?' }).click();
    await page.getByRole('status').getByText('No', { exact: true }).waitFor();
    await alice.endAsync();
  });

  test('why a client did not get a message, and who would get one', async () => {
    await page.goto(
      `${adminUrl}/#/why?${new URLSearchParams({ client: HOSTILE, topic: 'closed/<i>' })}`,
    );
    await page.getByRole('status').getByText('subscribe-denied').waitFor();
    await keepScreenshot(page, 'why');
    await page.getByRole('tab', { name: 'Who would get it?' }).click();
    await page.getByLabel('Topic').fill('nobody/here');
    await page.getByRole('button', { name: 'Who would get it?' }).click();
    await page.getByText('Nobody: there is no subscription that matches.').waitFor();
    await page.getByRole('tab', { name: 'What happened' }).click();
    await row(HOSTILE).first().waitFor();
  });

  test('listeners show when their certificates expire', async () => {
    await go('/listeners', 'Listeners');
    await page.getByRole('alert').getByText('mqtt.example').waitFor();
    await row('ssl:default').getByText('expires in 10 days').waitFor();
    // Node.js writes a name with backslashes (RFC 2253).
    await row('ssl:other')
      .getByText(`CN ${HOSTILE.replace(/[<>]/g, '\\$&')}`)
      .first()
      .waitFor();
    await expectNoMarkup();
    await keepScreenshot(page, 'listeners');
  });

  test('a listener is stopped, with its clients, and started again', async () => {
    const client = await connect({ clientId: 'of the listener' });
    const ended = new Promise((resolve) => client.once('close', () => resolve(null)));
    await go('/listeners', 'Listeners');
    const plain = row('tcp:default');
    await plain.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('dialog').getByText('tcp:default').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
    await plain.getByText('stopped').waitFor();
    await ended;
    await plain.getByRole('button', { name: 'Start' }).click();
    await plain.getByText('listening').waitFor();
    await (await connect({ clientId: 'of the listener' })).endAsync();
  });

  test('each value of the configuration has its origin, and a reload says what it changed', async () => {
    await go('/configuration', 'Configuration');
    await page.getByRole('searchbox').fill('max-qos');
    await row('mqtt.max-qos').getByText('promptmq.yaml:').waitFor();
    await row('mqtt.max-qos').getByText('reload').waitFor();
    await page.getByLabel('Which').selectOption('set');
    await page.getByRole('searchbox').fill('server.bind');
    await row('server.bind').getByText('restart').first().waitFor();
    await page.getByRole('searchbox').fill('<i>cert');
    await row('listeners').getByText('<i>cert.pem').first().waitFor();
    await page.getByRole('searchbox').fill('<b>data');
    await row('storage.data-dir').getByText('<b>data').first().waitFor();
    await expectNoMarkup();
    await page.getByRole('searchbox').fill('server.bind');
    await row('server.bind').first().waitFor();
    await keepScreenshot(page, 'configuration');

    configure(1);
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Reload' }).click();
    await page.getByText('In force now: mqtt.max-qos.').waitFor();
    configure(7);
    await page.getByRole('button', { name: 'Reload' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Reload' }).click();
    await dialog.getByRole('alert').getByText('mqtt.max-qos').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    configure(1);
  });

  test('the log is followed, by level and by what is looked for', async () => {
    await go('/log?search=second-client', 'Log');
    await page.getByText('Live').waitFor();
    const names = ['first-client', 'second-client'];
    const clients = await Promise.all(names.map((clientId) => connect({ clientId })));
    const lines = page.getByRole('list', { name: 'Lines of the log, newest first' });
    await lines.getByText('second-client').first().waitFor();
    expect(await lines.getByText('first-client').count()).toBe(0);
    await keepScreenshot(page, 'log');
    await page.getByLabel('Level').selectOption('error');
    await page.getByText('No such line yet.').waitFor();
    for (const client of clients) await client.endAsync();
  });

  test('storage shows what is on the disk and still needed', async () => {
    const client = await connect({ clientId: 'writer', username: 'alice', password: 'wonderland' });
    await client.endAsync();
    await go('/storage', 'Storage');
    await page.getByText('serves').waitFor();
    await page.getByText('<b>data').first().waitFor();
    await expectNoMarkup();
    await page.getByText('Recovery at the last start').waitFor();
    await page
      .getByRole('region', { name: 'Segments' })
      .getByText(/\d kB|\d B/)
      .first()
      .waitFor();
    await keepScreenshot(page, 'storage');
  });
}
