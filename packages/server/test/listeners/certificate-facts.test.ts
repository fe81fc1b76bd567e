import { expect, test } from '@jest/globals';
import { subjectAltNames } from '../../src/listeners/tls/certificate-facts.ts';

test.each<[string, string[]]>([
  ['', []],
  ['DNS:a.example', ['DNS:a.example']],
  ['DNS:a.example, IP Address:192.0.2.1', ['DNS:a.example', 'IP Address:192.0.2.1']],
  ['email:a@example.com, URI:urn:x:y', ['email:a@example.com', 'URI:urn:x:y']],
  // One name that looks like two is one.
  ['DNS:"a.example, DNS:b.example"', ['DNS:a.example, DNS:b.example']],
  ['DNS:"a\\"b", DNS:c', ['DNS:a"b', 'DNS:c']],
])('the names in %j', (text, names) => {
  expect(subjectAltNames(text)).toEqual(names);
});
