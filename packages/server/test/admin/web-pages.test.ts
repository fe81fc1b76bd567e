import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { openApiDocument } from '../../src/admin/api/openapi.ts';
import { WebPages } from '../../src/admin/web/web-pages.ts';
import { parseConfig } from '../../src/config/index.ts';
import { AdminWeb, basic } from '../support/admin-web.ts';

describe('with a broker', () => {
  let web: AdminWeb;
  beforeAll(async () => {
    web = await AdminWeb.open({ console: false });
  });
  afterAll(() => web.broker.stop());

  test.each([
    ['GET', '/', {}, 404],
    ['GET', '/api-docs', {}, 200],
    ['GET', '/api-docs/openapi.json', {}, 200],
    ['GET', '/api/v5/status', basic('all'), 200],
    ['GET', '/api/v5/status', {}, 200],
    ['GET', '/status', {}, 200],
    ['GET', '/api/v5/stats', {}, 401],
    ['GET', '/api/v5/nothing', basic('all'), 404],
    ['GET', '/nothing', {}, 404],
    ['GET', '//', {}, 400],
    ['POST', '/', {}, 405],
    ['OPTIONS', '/', {}, 405],
  ])('%s %s says what browsers may do with it', async (method, path, headers, status) => {
    const answer = await web.ask(method, path, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringMatching(
        /^default-src 'self';.*frame-ancestors 'none'/,
      ),
    });
    expect(answer.headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual(
      [],
    );
  });

  test('the documentation is a page without scripts, and names every operation', async () => {
    const { headers, text } = await web.ask('GET', '/api-docs');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(text).not.toMatch(/<script|<style| style=| on\w+=|https?:\/\/(?!127)/);
    const { paths } = openApiDocument() as { paths: object };
    for (const path of Object.keys(paths))
      expect(text).toContain(`/api/v5${path.replaceAll("'", '')}`);
    expect((await web.ask('GET', '/api-docs/style.css')).headers['content-type']).toMatch(
      /^text\/css/,
    );
  });

  test('what has not changed is not sent again', async () => {
    const { headers } = await web.ask('GET', '/api-docs/openapi.json');
    expect(headers['cache-control']).toBe('no-cache');
    const known = { 'if-none-match': `"other", W/${headers['etag']}` };
    const { status, text } = await web.ask('GET', '/api-docs/openapi.json', known);
    expect([status, text]).toEqual([304, '']);
  });

  test('it is sent in gzip to who takes that', async () => {
    const answer = await fetch(`${web.url}/api-docs/openapi.json`);
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
  });

  test('a console that is switched off is not there, and says so', async () => {
    expect(await web.ask('GET', '/')).toMatchObject({
      status: 404,
      text: expect.stringContaining('admin.console'),
    });
  });
});

test('the description of the API is a valid OpenAPI 3.1 document', async () => {
  const document = JSON.parse(JSON.stringify(openApiDocument()));
  const validator = new Validator();
  expect(await validator.validate(document)).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const operations = Object.values(document.paths as object).flatMap((path) =>
    Object.values(path as object),
  );
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
  // Its neighbour is refused.
  expect((await validator.validate({ ...document, info: {} })).valid).toBe(false);
});

describe('the console', () => {
  let folder: string;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'promptmq-console-'));
    writeFileSync(join(folder, 'secret.txt'), 'secret');
    mkdirSync(join(folder, 'web/assets'), { recursive: true });
    writeFileSync(join(folder, 'web/index.html'), '<!doctype html>the page');
    writeFileSync(join(folder, 'web/console.js'), 'x'.repeat(5000));
    writeFileSync(join(folder, 'web/assets/icon.svg'), '<svg/>');
    writeFileSync(join(folder, 'web/notes.ts'), 'not served');
    symlinkSync(join(folder, 'secret.txt'), join(folder, 'web/link.txt'));
    const pages = new WebPages(parseConfig({}).admin, join(folder, 'web'));
    server = createServer((request, response) => {
      pages.answer(`${request.url}`, request, response).catch(({ status }) => {
        response.writeHead(status);
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  const get = async (path: string) => {
    const answer = await fetch(url + path);
    return [answer.status, answer.headers.get('content-type'), await answer.text()];
  };

  test('its files are served with their types', async () => {
    const page = [200, 'text/html; charset=utf-8', '<!doctype html>the page'];
    expect(await get('/')).toEqual(page);
    expect(await get('/index.html')).toEqual(page);
    expect(await get('/console.js')).toEqual([
      200,
      'text/javascript; charset=utf-8',
      'x'.repeat(5000),
    ]);
    expect(await get('/assets/icon.svg')).toEqual([200, 'image/svg+xml', '<svg/>']);
    expect(await (await fetch(`${url}/console.js`, { method: 'HEAD' })).text()).toBe('');
  });

  test.each([
    '/notes.ts',
    '/link.txt',
    '/secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets',
    '/assets/',
    '/constructor',
    '/__proto__',
  ])('%s is not there', async (path) => {
    expect((await get(path))[0]).toBe(404);
  });

  test('where it was not built, a page says so', async () => {
    const pages = new WebPages(parseConfig({}).admin, join(folder, 'nowhere'));
    const empty = createServer((request, response) => void pages.answer('/', request, response));
    await new Promise<void>((resolve) => empty.listen(0, '127.0.0.1', resolve));
    const answer = await fetch(`http://127.0.0.1:${(empty.address() as AddressInfo).port}/`);
    expect([answer.status, await answer.text()]).toEqual([
      404,
      expect.stringContaining('was not built'),
    ]);
    await new Promise((resolve) => empty.close(resolve));
  });
});
