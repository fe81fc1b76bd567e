import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { consoleDirectory } from '../src/index.ts';

const read = (name: string) => readFileSync(join(consoleDirectory, name));

test('it is one page, one script and one sheet of styles', () => {
  expect(readdirSync(consoleDirectory).sort()).toEqual([
    'console.css',
    'console.js',
    'icon.svg',
    'index.html',
    'third-party.txt',
  ]);
});

test('all that a browser loads is under 200 KB, compressed', () => {
  const names = ['console.css', 'console.js', 'icon.svg', 'index.html'];
  const size = names.reduce((total, name) => total + gzipSync(read(name)).length, 0);
  expect(size).toBeLessThan(200_000);
});

test('nothing is inline, nothing is loaded from elsewhere', () => {
  const html = read('index.html').toString();
  expect(html).not.toMatch(/<style|style=|\son\w+=|javascript:|data:/);
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=")/);
  for (const [, address] of html.matchAll(/(?:src|href)="([^"]*)"/g)) {
    expect(address).toMatch(/^\.\/[\w.]+$/);
  }
  expect(read('console.css').toString()).not.toMatch(/@import|url\((?!"?\.\/icon\.svg)/);
  const script = read('console.js').toString();
  expect(script).not.toMatch(/\beval\(|new Function\(|document\.write/);
  const addresses = [...script.matchAll(/https?:\/\/[^\s"'`]+/g)].map(([address]) => address);
  // Names of XML, which nobody loads.
  expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
});

test('the licenses of what is bundled come along', () => {
  const text = read('third-party.txt').toString();
  for (const name of ['preact', '@preact/signals', '@preact/signals-core', 'uplot']) {
    expect(text).toMatch(new RegExp(`^${name}$`, 'm'));
  }
  expect(text.match(/Permission is hereby granted/g)).toHaveLength(4);
});
