import type { HttpOptions, JwtKeyOptions, JwtOptions, LdapOptions } from '@promptmq/auth';
import type { ChainItem } from '../../config/index.ts';

/*
 * What providers take, of what a configuration says.
 */

type Section<K extends keyof ChainItem> = Exclude<ChainItem[K], undefined>;

export function jwtOptions(section: Section<'jwt'>): JwtOptions {
  return {
    from: section.from,
    algorithms: section.algorithms,
    keys: keysOf(section),
    jwksRefresh: section.jwksRefresh,
    jwksAgeMax: section.jwksMaxAge,
    issuer: orNull(section.issuer),
    audience: section.audience,
    userNameClaim: section.userNameClaim,
    verify: section.verify,
    aclClaim: orNull(section.aclClaim),
    groupsClaim: orNull(section.groupsClaim),
    rolesClaim: orNull(section.rolesClaim),
    attributesClaim: orNull(section.attributesClaim),
    superuserClaim: orNull(section.superuserClaim),
    clockTolerance: section.clockTolerance,
    requiresExpiry: section.requireExp,
    disconnectsAfterExpiry: section.disconnectAfterExpire,
    tokenBytesMax: section.maxTokenSize,
    concurrentMax: section.maxConcurrent,
    waitingMax: section.maxWaiting,
  };
}

function keysOf(section: Section<'jwt'>): JwtKeyOptions {
  const { secretFile, secretEncoding, publicKey, jwksFile, jwksUrl, jwksCa, timeout } = section;
  if (secretFile !== null) {
    return { kind: 'secret-file', path: secretFile, encoding: secretEncoding };
  }
  if (publicKey !== null) return { kind: 'public-key', path: publicKey };
  if (jwksFile !== null) return { kind: 'jwks-file', path: jwksFile };
  return { kind: 'jwks-url', url: jwksUrl, caFile: jwksCa, timeout };
}

export function httpOptions(section: Section<'http'>): HttpOptions {
  return {
    format: section.format,
    url: section.url,
    method: section.method,
    encoding: section.encoding,
    headers: section.headers,
    authorizationFile: section.authorizationFile,
    body: Object.keys(section.body).length === 0 ? null : section.body,
    authorizeUrl: orNull(section.authorizeUrl),
    authorizeBody: Object.keys(section.authorizeBody).length === 0 ? null : section.authorizeBody,
    authorizeCache: section.authorizeCache,
    superuserUrl: orNull(section.superuserUrl),
    responseMode: section.responseMode,
    caFile: section.ca,
    timeout: section.timeout,
    connectionsMax: section.maxConnections,
    waitingMax: section.maxWaiting,
    answerBytesMax: section.maxAnswerSize,
    onError: section.onError,
  };
}

export function ldapOptions(section: Section<'ldap'>): LdapOptions {
  const { userDn, baseDn, groupBaseDn } = section;
  return {
    url: section.url,
    usesStartTls: section.starttls,
    caFile: section.ca,
    user:
      userDn !== ''
        ? { kind: 'dn', userDn }
        : {
            kind: 'search',
            bindDn: orNull(section.bindDn),
            bindPasswordFile: section.bindPasswordFile,
            baseDn,
            scope: section.scope,
            filter: section.filter,
          },
    userNameAttribute: section.userNameAttribute,
    groups:
      groupBaseDn === ''
        ? null
        : {
            baseDn: groupBaseDn,
            scope: section.groupScope,
            filter: section.groupFilter,
            nameAttribute: section.groupNameAttribute,
          },
    roles: section.roles,
    superuserGroup: orNull(section.superuserGroup),
    validFor: section.validFor,
    timeout: section.timeout,
    concurrentMax: section.maxConcurrent,
    waitingMax: section.maxWaiting,
  };
}

/** An empty text stands for none. */
function orNull(text: string): string | null {
  return text === '' ? null : text;
}
