import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import mqtt, { type MqttClient } from 'mqtt';
import type { Page } from 'playwright-core';
import { createBroker, type RunningBroker } from '../../packages/server/src/index.ts';
import { ConsoleBrowser, keepScreenshot, logIn, program } from './support/console-browser.ts';
import { leaveSessions } from './support/many-sessions.ts';

const SECRET = 'a-secret-that-is-long-enough';
const KEYS = [
  { name: 'all', secret: SECRET, scopes: ['read', 'publish', 'clients', 'auth', 'config'] },
  { name: 'reader', secret: SECRET, scopes: ['read'] },
] as const;

/** What a page would run or be turned by, were it not text. */
const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  "'-alert(1)-'",
  'javascript:alert(1)',
  '{{constructor.constructor("alert(1)")()}}',
  '../../../etc/passwd',
  '%2e%2e%2f?a=b#c',
  '\u202egnp.exe\u202c',
  'שלום عليكم',
  '__proto__',
];
const RIGHT_TO_LEFT = '\u202egnp.exe\u202c';
const RIGHT_TO_LEFT_SHOWN = '\\u{202e}gnp.exe\\u{202c}';

const { missing } = program;
if (missing !== null) {
  test.skip(`the console in a browser: ${missing}`, () => {});
} else {
  describe('the console in a browser', tests);
}

function tests(): void {
  let browser: ConsoleBrowser;
  let broker: RunningBroker;
  let url: string;
  const clients: MqttClient[] = [];

  beforeAll(async () => {
    broker = await createBroker({
      server: { wsBind: 'none' },
      mqtt: { maxClientIdLen: 65_535 },
      admin: { keys: KEYS.map(({ scopes, ...key }) => ({ ...key, scopes: [...scopes] })) },
    });
    url = broker.adminUrl as string;
    browser = await ConsoleBrowser.open();
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.endAsync(true);
    expect(browser.complaints.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await broker?.stop();
  });

  async function connect(clientId: string, options: mqtt.IClientOptions = {}): Promise<MqttClient> {
    const client = await mqtt.connectAsync(broker.url as string, {
      clientId,
      protocolVersion: 5,
      reconnectPeriod: 0,
      ...options,
    });
    // Whoever is kicked says so as an error.
    client.on('error', () => {});
    clients.push(client);
    return client;
  }

  async function open(hash = '/', key = 'all', options = {}): Promise<Page> {
    const page = await browser.page(options);
    await logIn(page, `${url}/#${hash}`, key, SECRET);
    return page;
  }

  const rowOf = (page: Page, clientId: string) =>
    page.getByRole('row').filter({ has: page.getByRole('link', { name: clientId, exact: true }) });

  test('who has no key reads how to make one; who has one is in until he logs out', async () => {
    const page = await browser.page();
    await page.goto(url);
    await page.getByText('promptmq admin key create NAME').waitFor();
    await page.getByLabel('API key').fill('all');
    await page.getByLabel('Secret').fill('not the secret of it');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('no such key').waitFor();
    await page.getByLabel('Secret').fill(SECRET);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();

    const cookies = await page.context().cookies();
    expect(cookies).toMatchObject([
      { name: expect.stringMatching(/^promptmq_session_\d+$/), httpOnly: true, sameSite: 'Strict' },
    ]);
    expect(await page.evaluate('document.cookie')).toBe('');

    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('API key').waitFor();
    await page.reload();
    await page.getByLabel('API key').waitFor();
    await page.context().close();
  });

  test('the overview has what goes on now', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-console-'));
    const kept = await createBroker({
      storage: { dataDir: folder, walDir: folder },
      admin: { keys: [{ name: 'all', secret: SECRET, scopes: ['read'] }] },
    });
    const options = { protocolVersion: 5, properties: { sessionExpiryInterval: 60 } } as const;
    const subscriber = await mqtt.connectAsync(kept.url as string, options);
    await subscriber.subscribeAsync('live/#', { qos: 1 });
    const away = await mqtt.connectAsync(kept.url as string, { ...options, clientId: 'away' });
    await away.subscribeAsync('news/#', { qos: 0 });
    await away.endAsync();
    const publisher = await mqtt.connectAsync(kept.url as string, options);
    const timer = setInterval(() => {
      publisher.publish('live/1', 'x'.repeat(100), { qos: 1 });
      publisher.publish('news/1', 'nothing is kept of this for who is away');
    }, 20);
    const page = await browser.page();
    await logIn(page, kept.adminUrl as string, 'all', SECRET);
    const tile = (label: string) =>
      page.locator('.tile').filter({ has: page.getByText(label, { exact: true }) });
    for (const label of ['Messages in', 'Messages out', 'Acknowledged', 'Records synced']) {
      await tile(label)
        .getByText(/^[1-9][\d.]*\/s$/)
        .waitFor();
    }
    await tile('Connected').getByText('2', { exact: true }).waitFor();
    await tile('Subscriptions').getByText('2', { exact: true }).waitFor();
    await tile('Acknowledged')
      .getByText(/^of [1-9][\d.]*\/s at QoS 1, 2$/)
      .waitFor();
    // That nothing is kept at QoS 0 for who is away is nothing to look at.
    await tile('Dropped')
      .getByText(/^not-connected [1-9]/)
      .waitFor();
    expect(await tile('Dropped').getAttribute('class')).toBe('tile plain');
    await page.getByRole('img', { name: /^Messages: in / }).waitFor();
    // The plots need some samples.
    await keepScreenshot(page, 'overview', 42_000);
    clearInterval(timer);
    await page.context().close();
    await subscriber.endAsync(true);
    await publisher.endAsync(true);
    await kept.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 90_000);

  test('what waits for a client can be looked at, whatever it is', async () => {
    const slow = await connect('slow', { properties: { sessionExpiryInterval: 60 } });
    await slow.subscribeAsync('work/#', { qos: 1 });
    await slow.endAsync(true);
    const publisher = await connect('boss');
    for (let index = 0; index < 60; index++) {
      await publisher.publishAsync(`work/${index}`, `{"n":${index}}`, { qos: 1 });
    }
    await publisher.publishAsync('work/html', '<img src=x onerror=alert(1)>', { qos: 1 });
    await publisher.publishAsync('work/bytes', Buffer.from([0, 1, 2, 255]), { qos: 1 });
    const page = await open('/clients/slow?tab=queue');
    await page.getByRole('tab', { name: 'Queue 62' }).waitFor();
    const row = (topic: string) => page.getByRole('row').filter({ hasText: topic });
    await row('work/7').getByRole('button', { name: 'View' }).click();
    await page.getByRole('dialog').getByText('"n": 7').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Next' }).click();
    await row('work/html').getByText('<img src=x onerror=alert(1)>').waitFor();
    await row('work/bytes').getByRole('button', { name: 'View' }).click();
    await page.getByRole('dialog').getByText('00 01 02 ff').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('51–62 of 62').waitFor();
    await keepScreenshot(page, 'queue');
    expect(await page.locator('main img').count()).toBe(0);
    await page.context().close();
  });

  test('packets of a client are seen as they come and go', async () => {
    const client = await connect('talker');
    const page = await open('/clients/talker?tab=live');
    const packets = page.getByRole('log', { name: 'Packets' });
    await page.getByText('live', { exact: true }).waitFor();
    await client.subscribeAsync('talk/#', { qos: 1 });
    await client.publishAsync('talk/<b>bold</b>', 'secret payload', { qos: 1 });
    const row = (direction: string, packet: string) =>
      packets.locator('p').filter({ hasText: direction }).filter({ hasText: packet });
    await row('→ broker', 'subscribe').getByText('talk/#').waitFor();
    await row('→ broker', 'publish').getByText('talk/<b>bold</b>').waitFor();
    await row('← broker', 'puback').waitFor();
    expect(await packets.textContent()).not.toContain('secret payload');

    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Clear' }).click();
    await packets.getByText('Nothing has come or gone since.').waitFor();
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByRole('cell', { name: 'subscribe', exact: true }).waitFor();
    await page.context().close();
  });

  test('clients are found, and names are never anything but text', async () => {
    for (const clientId of HOSTILE) {
      await connect(clientId, {
        username: `user ${clientId}`,
        properties: { sessionExpiryInterval: 60 },
      });
    }
    const page = await open('/clients');
    const names = HOSTILE.map((id) => (id === RIGHT_TO_LEFT ? RIGHT_TO_LEFT_SHOWN : id));
    for (const name of names) await rowOf(page, name).getByText('online').waitFor();
    expect(await page.locator('main img, main script').count()).toBe(0);

    for (const [index, name] of names.entries()) {
      const clientId = HOSTILE[index] as string;
      const topic = `t/${clientId.replaceAll(/[#+]/g, '')}`;
      await (clients[index] as MqttClient).subscribeAsync(topic);
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { name, exact: true }).waitFor();
      const shown = topic.replace(RIGHT_TO_LEFT, RIGHT_TO_LEFT_SHOWN);
      await page.getByRole('cell', { name: shown, exact: true }).waitFor();
      await page.getByRole('tab', { name: 'History' }).waitFor();
      await page.goBack();
    }
    expect(await page.locator('main img, main script').count()).toBe(0);
    await page.context().close();
  });

  test('names as long as MQTT has them are cut, and searched for', async () => {
    const clientId = `long-${'x'.repeat(65_530)}`;
    await connect(clientId);
    const page = await open('/clients');
    await page.getByRole('searchbox').fill('long-');
    await page.getByText('65535 characters').first().waitFor();
    await page.getByRole('searchbox').fill('no such client');
    await page.getByText('Nothing fits the search.').waitFor();
    await page.context().close();
  });

  test('a client is disconnected, by itself and with others, and banned', async () => {
    const [one, two, three] = [
      await connect('kick-1'),
      await connect('kick-2'),
      await connect('kick-3'),
    ];
    const left = (client: MqttClient) =>
      new Promise((resolve) => client.once('close', () => resolve(client)));
    const page = await open('/clients/kick-1');
    await page.getByText('online').waitFor();
    const oneLeft = left(one);
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await oneLeft;
    await page.getByText('There is no such client now').waitFor();

    const othersLeft = Promise.all([left(two), left(three)]);
    await page.goto(`${url}/#/clients?search=kick-`);
    await page.getByLabel('Choose kick-2').check();
    await page.getByLabel('Choose kick-3').check();
    await page.getByRole('button', { name: 'Disconnect 2' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await othersLeft;
    await page.getByText('Nothing fits the search.').waitFor();

    const four = await connect('ban-4');
    const fourLeft = left(four);
    await page.goto(`${url}/#/clients/ban-4`);
    await page.getByRole('button', { name: 'Ban' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('for a test');
    await page.getByRole('dialog').getByRole('button', { name: 'Ban' }).click();
    await fourLeft;
    await expect(connect('ban-4')).rejects.toThrow('Banned');
    await page.context().close();
  });

  test('ten thousand clients are searched, sorted and paged', async () => {
    await leaveSessions(
      broker.url as string,
      10_000,
      (index) => `many-${`${index}`.padStart(5, '0')}`,
    );
    const busy = await connect('many-busy');
    await busy.subscribeAsync(['a/1', 'a/2', 'a/3']);

    const page = await open('/clients');
    const pager = page.getByRole('navigation', { name: 'Pages of the list' });
    await pager.getByText(/^1–50 of 10,0\d\d$/).waitFor();
    await pager.getByRole('button', { name: 'Next' }).click();
    await pager.getByText(/^51–100 of/).waitFor();
    expect(new URL(page.url()).hash).toBe('#/clients?page=2');

    await page.getByRole('button', { name: 'Subs' }).click();
    await page.getByRole('row').nth(1).getByRole('link', { name: 'many-busy' }).waitFor();
    await keepScreenshot(page, 'clients');
    await page.getByRole('searchbox').fill('many-0999');
    await pager.getByText(/^1–10\b/).waitFor();
    await page.getByRole('link', { name: 'many-09990' }).waitFor();
    await page.getByLabel('State').selectOption('connected');
    await page.getByText('Nothing fits the search.').waitFor();
    await page.context().close();
  });

  test('who may only read has no buttons that change something', async () => {
    await connect('watched');
    const page = await open('/clients/watched', 'reader');
    await page.getByText('online').waitFor();
    expect(await page.getByRole('button', { name: /Disconnect|Ban/ }).count()).toBe(0);
    await page.goto(`${url}/#/clients?search=watched`);
    await rowOf(page, 'watched').waitFor();
    expect(await page.getByRole('checkbox').count()).toBe(0);
    await page.context().close();
  });

  test('in read-only mode nobody has them, and the page says so', async () => {
    await using other = await createBroker({
      server: { wsBind: 'none' },
      admin: {
        readOnly: true,
        keys: [{ name: 'all', secret: SECRET, scopes: ['read', 'clients'] }],
      },
    });
    const client = await mqtt.connectAsync(other.url as string, { clientId: 'watched' });
    const page = await browser.page();
    await logIn(page, `${other.adminUrl}/#/clients/watched`, 'all', SECRET);
    await page.getByText('read-only').waitFor();
    await page.getByText('online').waitFor();
    expect(await page.getByRole('button', { name: /Disconnect|Ban/ }).count()).toBe(0);
    await client.endAsync();
    await page.context().close();
  });

  test('all of it is reached by keyboard', async () => {
    await connect('key-1');
    await connect('key-2');
    const page = await open('/');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.locator('body').press('Tab');
    await page.getByRole('button', { name: 'Skip to the page' }).press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');

    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.getByRole('heading', { name: 'Clients' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('key-');
    await rowOf(page, 'key-2').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'key-1' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'key-2' }).waitFor();
    await page.getByRole('tab', { name: 'Subscriptions' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: 'Inflight', selected: true }).waitFor();

    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('g c').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const theme = () => page.evaluate('document.documentElement.dataset.theme');
    expect(await theme()).toBe('light');
    await page.keyboard.press('t');
    expect(await theme()).toBe('dark');
    await page.reload();
    await page.getByRole('heading', { name: 'key-2' }).waitFor();
    expect(await theme()).toBe('dark');
    await page.context().close();
  });

  test('on a narrow screen nothing is wider than it, and the menu opens', async () => {
    await connect('narrow');
    const page = await open('/', 'all', {
      viewport: { width: 360, height: 640 },
      colorScheme: 'dark',
    });
    const widest = () => page.evaluate<number>('document.documentElement.scrollWidth');
    await page.getByRole('button', { name: 'Menu' }).click();
    const menu = page.getByRole('navigation', { name: 'Pages', exact: true });
    await menu.waitFor();
    const links = await page.evaluate<string[]>(
      "[...document.querySelectorAll('#menu a')].map((link) => link.hash)",
    );
    for (const hash of [...links, '#/clients/narrow']) {
      await page.goto(`${url}/${hash}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect([hash, await widest()]).toEqual([hash, 360]);
    }
    for (const name of [
      'short',
      'a-level-whose-name-is-longer-than-the-screen-is-wide-'.repeat(3),
    ]) {
      const payload = `{"some":"payload of ${name}"}`;
      await broker.publish({ topic: `narrow/deep/er/${name}`, payload, retain: true });
    }
    await page.goto(`${url}/#/topics?filter=narrow/%23`);
    await page.getByRole('link', { name: 'short' }).waitFor();
    const sizes = await page.evaluate<number[]>(
      "(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])(document.querySelector('.table-frame'))",
    );
    expect(sizes[0]).toBe(sizes[1]);
    await page.context().close();
  });

  test('a broker that goes away is noticed, and so is that it is back', async () => {
    const keys = [{ name: 'all', secret: SECRET, scopes: ['read' as const] }];
    const first = await createBroker({ admin: { keys } });
    const { adminUrl } = first;
    const page = await browser.page();
    await logIn(page, `${adminUrl}/#/clients`, 'all', SECRET);
    await page.getByRole('heading', { name: 'Clients' }).waitFor();
    await first.stop();
    await page.getByRole('alert').getByText('does not answer').waitFor();
    const bind = new URL(adminUrl as string).host;
    await using _second = await createBroker({ admin: { keys, bind } });
    // It doesn't know of the session.
    await page.getByLabel('API key').waitFor();
    await page.context().close();
  });
}
