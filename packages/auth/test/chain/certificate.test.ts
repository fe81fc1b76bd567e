import { expect, test } from '@jest/globals';
import {
  type CertificateFacts,
  type CertificateField,
  type Credentials,
  createCertificateProvider,
} from '../../src/index.ts';

const CERTIFICATE: CertificateFacts = {
  subject: { CN: 'device-1', OU: 'meters', O: 'Example', emailAddress: 'a@example.com' },
  issuer: { CN: 'root' },
  subjectAltNames: ['DNS:one.example', 'DNS:two.example', 'URI:urn:x', 'email:b@example.com'],
  serialNumber: '0A1B',
  fingerprint256: 'AA:BB',
  validTo: 0,
};

function ask(
  certificate: CertificateFacts | null,
  userName: CertificateField,
  clientId: CertificateField | null = null,
) {
  const provider = createCertificateProvider({ userName, clientId });
  const credentials = { userName: 'mallory', clientId: 'c', certificate } as Credentials;
  return provider.authenticate?.(credentials, new AbortController().signal);
}

test.each([
  ['cn', 'device-1'],
  ['ou', 'meters'],
  ['o', 'Example'],
  ['email', 'a@example.com'],
  ['serial-number', '0A1B'],
  ['fingerprint', 'AA:BB'],
  ['san-dns', 'one.example'],
  ['san-email', 'b@example.com'],
  ['san-uri', 'urn:x'],
] as const)('%s is the user name, whatever CONNECT says: %s', (field, userName) => {
  expect(ask(CERTIFICATE, field)).toMatchObject({ result: 'allow', userName });
});

test('it has nothing to say without a certificate, or without the field', () => {
  expect(ask(null, 'cn')).toMatchObject({ result: 'pass' });
  expect(ask({ ...CERTIFICATE, subject: {} }, 'cn')).toMatchObject({ result: 'pass' });
  expect(ask({ ...CERTIFICATE, subject: { CN: '' } }, 'cn')).toMatchObject({ result: 'pass' });
  expect(ask({ ...CERTIFICATE, subjectAltNames: [] }, 'san-dns')).toMatchObject({ result: 'pass' });
});

test('it may have the client identifier, without which the client could take any', () => {
  expect(ask(CERTIFICATE, 'cn', 'serial-number')).toMatchObject({
    result: 'allow',
    userName: 'device-1',
    clientId: '0A1B',
  });
  const { subjectAltNames: _, ...others } = CERTIFICATE;
  expect(ask({ ...others, subjectAltNames: [] }, 'cn', 'san-uri')).toMatchObject({
    result: 'deny',
    reasonCode: 0x85,
  });
});

test('who was let in by some fields stays as long as it is these', () => {
  const { ticket } = ask(CERTIFICATE, 'cn') as { ticket?: unknown };
  const mayStay = (userName: CertificateField, clientId: CertificateField | null) =>
    createCertificateProvider({ userName, clientId }).mayStay?.('device-1', ticket);
  expect(mayStay('cn', null)).toBe(true);
  expect(mayStay('san-dns', null)).toBe(false);
  expect(mayStay('cn', 'serial-number')).toBe(false);
});
