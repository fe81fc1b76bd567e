import { expect, test } from '@jest/globals';
import {
  parsePasswordFile,
  putUser,
  removeUser,
  whyNoUserName,
} from '../../src/passwords/password-file.ts';

const HASH =
  '$7$101$kX00MDGfU2c/Pg7h$KDKinasTkZ4IF5qvJqmF/ez5a3gWxEqctax6DWMtyZNIy3Fx+qHjItYcuGFz5L6zonKIey4sUV0WTNtYsyieWw==';
const OTHER = '$2y$05$vJkcHFxk1ogWB3BP9CzmuuPrUJ/GocxtqAWNO32a8t4I1KRceqisa';

test('users come with their hashes; comments, empty lines and ends of lines of Windows do no harm', () => {
  const { users, problems } = parsePasswordFile(
    `# users\r\n\r\nalice:${HASH}\r\n#bob:x\r\n  \nbob:${OTHER}  \r\n`,
  );
  expect(problems).toEqual([]);
  expect([...users].map(([name, { cost }]) => [name, cost.algorithm])).toEqual([
    ['alice', 'pbkdf2-sha512'],
    ['bob', 'bcrypt'],
  ]);
});

test.each([
  ['secret', 'it takes NAME:HASH, as promptmq passwd NAME prints it'],
  ['bob:plain-text', 'it takes NAME:HASH, as promptmq passwd NAME prints it'],
  [`:${HASH}`, /the \$7\$ hash is cut/],
  ['bob:$7$101$c2FsdA==$aGFzaA==', /the \$7\$ hash is cut.* promptmq passwd NAME/],
  ['bob:$6$secret$hash', /the \$6\$ hash is cut, of another program/],
  ['bob:$2y$31$vJkcHFxk1ogWB3BP9CzmuuPrUJ/GocxtqAWNO32a8t4I1KRceqisa', /asks for more time/],
  ['bob:$argon2i$v=19$m=8,t=1,p=1$secret$secret', /Argon2 hashes other than \$argon2id\$/],
  ['bob:$2x$05$secret', /broken kind/],
  ['bob:PBKDF2$sha256$901$secret$secret', /mosquitto-auth-plug/],
  ['bob:$apr1$secret$secret', /htpasswd without -B/],
  ['bob:{SHA}secret', /htpasswd without -B/],
  [`alice:${OTHER}`, 'user "alice" is there twice'],
])('%s is reported by its line, without what is in it', (line, message) => {
  const { problems } = parsePasswordFile(`alice:${HASH}\n${line}\n`);
  expect(problems).toEqual([
    { line: 2, message: typeof message === 'string' ? message : expect.stringMatching(message) },
  ]);
  expect(problems[0]?.message).not.toMatch(/secret|plain-text/);
});

test('a user is put in, or its hash replaced, and everything else stays as it is', () => {
  expect(putUser('', 'alice', HASH)).toBe(`alice:${HASH}\n`);
  const text = `# ours\nalice:${HASH}\n\n# theirs\nalice2:${HASH}\n`;
  expect(putUser(text, 'alice', OTHER)).toBe(text.replace(HASH, OTHER));
  expect(putUser(text, 'alice2', OTHER)).toBe(
    `# ours\nalice:${HASH}\n\n# theirs\nalice2:${OTHER}\n`,
  );
  expect(putUser(text, 'bob', OTHER)).toBe(`${text}bob:${OTHER}\n`);
  expect(putUser('# no end', 'bob', OTHER)).toBe(`# no end\nbob:${OTHER}\n`);
  expect(putUser(`a:${HASH}\r\n`, 'b', OTHER)).toBe(`a:${HASH}\r\nb:${OTHER}\r\n`);
  expect(putUser(`#alice:${HASH}\n`, 'alice', OTHER)).toBe(`#alice:${HASH}\nalice:${OTHER}\n`);
});

test('a user is taken out, and everything else stays as it is', () => {
  const text = `# ours\r\nalice:${HASH}\r\nbob:${HASH}`;
  expect(removeUser(text, 'alice')).toBe(`# ours\r\nbob:${HASH}`);
  expect(removeUser(text, 'bob')).toBe(`# ours\r\nalice:${HASH}`);
  expect(removeUser(text, 'carol')).toBeNull();
  expect(removeUser(text, '# ours')).toBeNull();
});

test('names that a line can’t have are refused', () => {
  for (const name of ['', 'a:b', 'a\nb', '#a', 'a\0'])
    expect(whyNoUserName(name)).toMatch(/no colon/);
  for (const name of ['a', 'ä b', '$a', 'a#']) expect(whyNoUserName(name)).toBeNull();
});
