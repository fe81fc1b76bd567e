import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import mqtt, { type MqttClient } from 'mqtt';
import type { Page } from 'playwright-core';
import { createBroker, type RunningBroker } from '../../packages/server/src/index.ts';
import { ConsoleBrowser, keepScreenshot, logIn, program } from './support/console-browser.ts';

const SECRET = 'a-secret-that-is-long-enough';

/** What a page would run or be turned by, were it not text. */
const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  "'-alert(1)-'",
  '%2e%2e%2f?a=b&c',
  '__proto__',
];

const { missing } = program;
if (missing !== null) {
  test.skip(`pages of the console in a browser: ${missing}`, () => {});
} else {
  describe('pages of the console in a browser', tests);
}

function tests(): void {
  let browser: ConsoleBrowser;
  let broker: RunningBroker;
  let plant: MqttClient;
  let traffic: ReturnType<typeof setInterval>;
  let page: Page;

  beforeAll(async () => {
    const key = { name: 'all', secret: SECRET };
    broker = await createBroker({
      admin: { keys: [{ ...key, scopes: ['read', 'publish', 'clients', 'auth', 'config'] }] },
    });
    plant = await connect('plant-gateway');
    let count = 0;
    traffic = setInterval(() => {
      count++;
      for (const machine of ['press', 'robot', 'oven']) {
        plant.publish(`plant/line1/${machine}/temperature`, `${60 + (count % 10)}.5`);
      }
      for (let n = 0; n < 10; n++) plant.publish('plant/line1/robot/position', `{"x":${count}}`);
    }, 100);
    browser = await ConsoleBrowser.open();
    page = await browser.page();
    await logIn(page, `${broker.adminUrl}/`, 'all', SECRET);
  });

  afterEach(() => {
    expect(browser.complaints.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    clearInterval(traffic);
    await browser?.[Symbol.asyncDispose]();
    await broker?.stop();
  });

  async function connect(clientId: string): Promise<MqttClient> {
    const client = await mqtt.connectAsync(`${broker.url}`, {
      clientId,
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    // Whoever is kicked says so as an error.
    client.on('error', () => {});
    return client;
  }

  const retain = (topic: string, payload: string | Buffer) =>
    plant.publishAsync(topic, payload, { retain: true, qos: 1 });

  const go = async (hash: string, heading: string) => {
    await page.goto(`${broker.adminUrl}/#${hash}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  };

  const row = (name: string) =>
    page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });

  test('the tree of topics has what is retained and what is published, with value, rate and publisher', async () => {
    await retain('plant/line1/robot/state', '{"state":"running"}');
    for (const name of HOSTILE) await retain(`names/${name}`, name);
    await go('/topics', 'Topics');
    for (const name of HOSTILE) await row(name).getByText('retained').waitFor();
    await row('position').getByText('{"x":').waitFor();
    await row('position').getByRole('link', { name: 'plant-gateway' }).waitFor();
    await row('state').getByText('{"state":"running"}').waitFor();
    expect(await page.locator('main img, main script').count()).toBe(0);
    await keepScreenshot(page, 'topics');

    await page.getByLabel('Order').selectOption('rate');
    await page.getByRole('searchbox', { name: 'topic contains' }).fill('plant/line1/');
    await page.getByRole('row').nth(1).getByText('plant/line1/robot/position').waitFor();
    await page.getByLabel('Topic filter').fill('plant/#/x');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('filter').first().waitFor();
  });

  test('of more topics than a page holds, the levels are there, and what is below when it is opened', async () => {
    await using large = await createBroker({
      server: { wsBind: 'none' },
      admin: { keys: [{ name: 'all', secret: SECRET, scopes: ['read', 'publish'] }] },
    });
    for (let n = 0; n < 6000; n++) {
      const topic = `site-${n % 4}/machine-${n >> 2}/state`;
      await large.publish({ topic, payload: `value ${n}`, retain: true });
    }
    const other = await browser.page();
    await logIn(other, `${large.adminUrl}/#/topics`, 'all', SECRET);
    const lines = other.getByRole('row');
    await lines.filter({ hasText: 'site-0' }).getByText('1,500').waitFor();
    await other.getByText('6,000 retained').waitFor();
    expect(await lines.count()).toBe(5);
    await other.getByRole('button', { name: 'open site-3' }).click();
    await lines.filter({ hasText: 'machine-0/state' }).getByText('value 3').waitFor();
    await other.getByRole('searchbox', { name: 'topic contains' }).fill('site-2/machine-7/');
    await lines.filter({ hasText: 'site-2/machine-7/state' }).getByText('value 30').waitFor();
    await other.context().close();
  });

  test('a retained message is looked at as text, JSON and hex, changed and cleared', async () => {
    await retain('kept/one', '{"a":1}');
    await go('/topics/kept%2Fone', 'kept/one');
    await page.getByText('"a": 1').waitFor();
    await page.getByRole('button', { name: 'Hex' }).click();
    await page.getByText('7b 22 61 22 3a 31 7d').waitFor();
    await page.getByRole('button', { name: 'Edit retained' }).click();
    await page.getByRole('dialog').getByLabel('Payload', { exact: true }).fill('{"a":2}');
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByText('7b 22 61 22 3a 32 7d').waitFor();
    await page.getByRole('button', { name: 'JSON' }).click();
    await page.getByText('"a": 2').waitFor();
    expect(broker.retained.get('kept/one')?.payload.toString()).toBe('{"a":2}');
    await page.getByText('no client').waitFor();
    await page.getByRole('button', { name: 'Clear retained' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Clear', exact: true }).click();
    await page.getByText('Nothing is retained.').waitFor();
    expect(broker.retained.get('kept/one')).toBeNull();
  });

  test('a large payload is cut, and so is one that is no text', async () => {
    await retain('large/text', 'y'.repeat(100_000));
    await retain('large/bytes', Buffer.alloc(20_000, 1));
    await go('/topics/large%2Ftext', 'large/text');
    await page.getByText('the first 65,536 of 100,000 bytes').waitFor();
    await go('/topics/large%2Fbytes', 'large/bytes');
    await page.getByText('the first 8,192 of 20,000 bytes').waitFor();
  });

  test('retained messages are cleared by a filter, after saying how many there are', async () => {
    for (let n = 0; n < 12; n++) await retain(`old/${n}/state`, 'x');
    await retain('old/keep', 'x');
    await go('/topics', 'Topics');
    await page.getByRole('button', { name: 'Clear retained' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Topic filter').fill('old/+/state');
    await dialog.getByRole('button', { name: 'Count them' }).click();
    await dialog.getByText('12', { exact: true }).waitFor();
    expect(broker.stats.retainedCurrent).toBeGreaterThan(12);
    await dialog.getByRole('button', { name: 'Clear 12' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(broker.retained.match('old/#').messages.map(({ topic }) => topic)).toEqual(['old/keep']);
  });

  test('subscriptions are found by client and by topic, and groups show who shares', async () => {
    const members = [await connect('worker-1'), await connect('worker-2')];
    for (const member of members) await member.subscribeAsync('$share/jobs/work/#', { qos: 1 });
    const hostile = await connect(HOSTILE[0] as string);
    await hostile.subscribeAsync('work/<b>', { qos: 0, nl: true });
    await go('/subscriptions', 'Subscriptions');
    await page.getByRole('link', { name: HOSTILE[0] as string }).waitFor();
    await page.getByText('No Local').waitFor();
    await page.getByRole('searchbox', { name: 'filters within' }).fill('work/7');
    await page.getByRole('link', { name: 'Who would get a message to it?' }).click();
    await row('worker-2').waitFor();
    await page.getByRole('tab', { name: 'Shared groups' }).click();
    await page.getByText('2 members').waitFor();
    await row('worker-2').getByText('ready').waitFor();
    await page.getByText('gets the next one').waitFor();
    await keepScreenshot(page, 'shared-groups');
    for (const client of [...members, hostile]) await client.endAsync();
  });

  test('bans are made and lifted, and who is banned does not come in', async () => {
    await go('/access?view=bans', 'Access');
    await page.getByText('Nobody is banned.').waitFor();
    await page.getByRole('button', { name: 'Ban' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Who', { exact: true }).fill('<b>bad');
    await dialog.getByLabel('Reason').fill('too <i>loud');
    await dialog.getByRole('button', { name: 'Ban' }).click();
    await page.getByText('too <i>loud').waitFor();
    await expect(connect('<b>bad')).rejects.toThrow();
    await keepScreenshot(page, 'bans');
    await page.getByRole('button', { name: 'Lift' }).click();
    await page.getByText('Nobody is banned.').waitFor();
    await (await connect('<b>bad')).endAsync();
  });

  test('what was changed is in the audit', async () => {
    await go('/audit', 'Audit');
    await page.getByText('create banned').waitFor();
    await page.getByText('/api/v5/banned', { exact: true }).first().waitFor();
    await page.getByLabel('Result').selectOption('failure');
    await page.getByText('Nothing was changed').waitFor();
  });

  test('names in the audit are text', async () => {
    for (const name of HOSTILE) {
      const client = await connect(name);
      const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
      const credentials = Buffer.from(`all:${SECRET}`).toString('base64');
      const headers = { authorization: `Basic ${credentials}` };
      const at = `${broker.adminUrl}/api/v5/clients/${encodeURIComponent(name)}`;
      expect((await fetch(at, { method: 'DELETE', headers })).status).toBe(204);
      await gone;
    }
    await go('/audit', 'Audit');
    const kicks = page.getByRole('row').filter({ hasText: 'kick client' });
    for (const name of HOSTILE) {
      await kicks.filter({ hasText: `/api/v5/clients/${encodeURIComponent(name)}` }).waitFor();
    }
    expect(await page.locator('main img, main script').count()).toBe(0);
  });

  test('analytics say that they have only begun, and count by filters that are added there', async () => {
    await using quiet = await createBroker({
      server: { wsBind: 'none' },
      admin: { keys: [{ name: 'all', secret: SECRET, scopes: ['read', 'config'] }] },
    });
    const other = await browser.page();
    await logIn(other, `${quiet.adminUrl}/#/analytics`, 'all', SECRET);
    await other
      .getByText(/^No messages since \d\d:\d\d:\d\d, when this page had the broker begin/)
      .first()
      .waitFor();
    await other.getByRole('tab', { name: 'Filters' }).click();
    await other.getByText('No filter is counted.').waitFor();
    const hostile = 'lamps/<img src=x onerror=alert(1)>';
    for (const filter of ['lamps/+/state', hostile]) {
      await other.getByLabel('Topic filter').fill(filter);
      await other.getByRole('button', { name: 'Count it' }).click();
      await other.getByRole('link', { name: filter }).first().waitFor();
    }
    await other.getByLabel('Topic filter').fill('lamps/#/x');
    await other.getByRole('button', { name: 'Count it' }).click();
    await other.getByText('it takes a topic filter that is not shared').waitFor();
    await quiet.publish({ topic: 'lamps/1/state', payload: 'on' });
    await other
      .getByRole('table', { name: 'Filters with the most messages' })
      .getByRole('row')
      .filter({ hasText: 'lamps/+/state' })
      .waitFor();
    expect(await other.locator('main img, main script').count()).toBe(0);
    await other.getByRole('button', { name: `count ${hostile} no more` }).click();
    await other.getByRole('link', { name: hostile }).first().waitFor({ state: 'detached' });
    await other.context().close();
  });

  test('the busiest topics, publishers and subscribers are found', async () => {
    const reader = await connect('<u>reader');
    await reader.subscribeAsync('plant/#');
    await go('/analytics?window=1m', 'Analytics');
    await row('plant/line1/robot/position').getByText('%').waitFor();
    await page.getByRole('tab', { name: 'Publishers' }).click();
    await row('plant-gateway')
      .getByText(/9\d\.\d %|100/)
      .waitFor();
    await page.getByRole('tab', { name: 'Subscribers' }).click();
    await row('<u>reader').waitFor();
    await page.getByRole('tab', { name: 'Topics', exact: true }).click();
    await row('plant/line1/robot/position').getByRole('button', { name: 'Over time' }).click();
    await page.getByRole('heading', { name: 'plant/line1/robot/position' }).waitFor();
    await keepScreenshot(page, 'analytics');
    await reader.endAsync();
  });

  test('a client of MQTT 5 in the page subscribes, publishes and shows properties', async () => {
    await go('/try', 'Try it');
    await page.getByLabel('Address').fill(`${broker.wsUrl}/mqtt`);
    await page.getByLabel('Client identifier').fill('<b>me');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
    expect(broker.clients.get('<b>me')?.isConnected).toBe(true);

    await page.getByLabel('Topic filter').fill('try/#');
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click();
    await page.getByText('subscribed to try/# at QoS 0').waitFor();
    await page.getByLabel('Topic', { exact: true }).fill('try/<i>it');
    await page.getByLabel('Payload', { exact: true }).fill('<img src=x onerror=alert(1)>');
    await page.getByText('Properties of MQTT 5').click();
    await page.getByLabel('Response topic').fill('try/answers');
    await page.getByRole('button', { name: '+ property' }).click();
    await page.getByLabel('name of property 1').fill('<b>key');
    await page.getByLabel('value of property 1').fill('<b>value');
    await page.getByRole('button', { name: 'Publish', exact: true }).click();
    const received = page.getByRole('listitem').filter({ has: page.getByLabel('received') });
    await received.getByRole('button').first().click();
    await received.getByText('1: <b>key').waitFor();
    await received.getByText('try/answers').waitFor();
    expect(await page.locator('main img, main script').count()).toBe(0);
    await keepScreenshot(page, 'try');

    await received.getByRole('button', { name: 'Answer it' }).click();
    expect(await page.getByLabel('Topic', { exact: true }).inputValue()).toBe('try/answers');
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByText('disconnected', { exact: true }).waitFor();
  });

  test('nothing is asked for while nobody can see the page', async () => {
    const other = await browser.page();
    await other.clock.install();
    await logIn(other, `${broker.adminUrl}/#/topics`, 'all', SECRET);
    await other.getByRole('link', { name: 'plant-gateway' }).first().waitFor();
    await other.evaluate(
      `Object.defineProperty(document, 'hidden', { value: true, configurable: true });
       document.dispatchEvent(new Event('visibilitychange'));`,
    );
    await other.clock.runFor(2_000);
    const asked: string[] = [];
    other.on('request', (request) => asked.push(request.url()));
    await other.clock.runFor(60_000);
    expect(asked).toEqual([]);
    await other.context().close();
  });
}
