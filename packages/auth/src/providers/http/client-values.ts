import { parseSharedFilter } from '@promptmq/topics';
import type { AuthorizeRequest } from '../../authorization.ts';
import type { CertificateFacts, Credentials } from '../../credentials.ts';
import type { TemplateValues } from '../template.ts';
import { UnsendableError } from './endpoint.ts';

/** What both a CONNECT and what comes after it say of a client. */
interface Client {
  readonly clientId: string;
  readonly userName: string | null;
  readonly address: string;
  readonly protocol: string;
  readonly version: 3 | 4 | 5;
  readonly listener: string;
  readonly certificate: CertificateFacts | null;
}

/** What stands for the placeholders of a client that connects. */
export function credentialValues(credentials: Credentials): TemplateValues {
  return (name) => {
    switch (name) {
      case 'password':
        return passwordOf(credentials);
      case 'clean_start':
        return String(credentials.cleanStart);
      case 'keepalive':
        return String(credentials.keepAlive);
      default:
        return clientValue(credentials, name);
    }
  };
}

/** What stands for the placeholders of something that a client wants to do. */
export function requestValues(request: AuthorizeRequest): TemplateValues {
  return (name) => {
    switch (name) {
      case 'action':
        return request.action;
      case 'topic':
        return realTopicOf(request);
      case 'qos':
      case 'retain':
        return String(request[name]);
      case 'mountpoint':
        return '';
      default:
        return name.startsWith('client_attrs.')
          ? attributeOf(request, name.slice('client_attrs.'.length))
          : clientValue(request, name);
    }
  };
}

/** The topic name, or the topic filter without `$share/NAME/`: who decides on a filter decides on what it brings. */
export function realTopicOf({ action, topic }: AuthorizeRequest): string {
  return action === 'publish' ? topic : (parseSharedFilter(topic)?.topicFilter ?? topic);
}

/**
 * The password as text; null when there is none.
 *
 * @throws {UnsendableError} when it is none: two of them would be sent as the same
 */
export function passwordOf({ password }: Credentials): string | null {
  if (password === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(password);
  } catch {
    throw new UnsendableError('the password is not UTF-8');
  }
}

function clientValue(client: Client, name: string): string | null {
  switch (name) {
    case 'clientid':
      return client.clientId;
    case 'username':
      return client.userName;
    case 'peerhost':
      return client.address;
    case 'cert_common_name':
      return subjectField(client.certificate, 'CN');
    case 'cert_subject':
      return client.certificate === null ? null : subjectOf(client.certificate);
    case 'proto_name':
      return client.version === 3 ? 'MQIsdp' : 'MQTT';
    case 'proto_ver':
      return String(client.version);
    case 'protocol':
      return client.protocol;
    case 'listener':
      return client.listener;
    default:
      return null;
  }
}

function subjectField(certificate: CertificateFacts | null, field: string): string | null {
  const subject = certificate?.subject ?? {};
  return Object.hasOwn(subject, field) ? (subject[field] as string) : null;
}

/** The subject as one text, such as `CN=device-1,O=Example`. */
function subjectOf({ subject }: CertificateFacts): string {
  return Object.entries(subject)
    .map(([field, value]) => `${field}=${value.replace(/[\\,+"<>;=]/g, '\\$&')}`)
    .join(',');
}

function attributeOf({ attributes }: AuthorizeRequest, name: string): string | null {
  return Object.hasOwn(attributes, name) ? (attributes[name] as string) : null;
}
