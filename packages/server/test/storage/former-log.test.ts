import { gunzipSync } from 'node:zlib';
import { afterEach, expect, test } from '@jest/globals';
import { brief } from '../support/machine.ts';
import { StoredBroker } from '../support/stored-broker.ts';

/**
 * A segment that a broker wrote whose batches had the wall clock's time, and whose sessions had no owner, before it was
 * killed; in gzip and base64. `pub` had published, and `sub` was sent:
 *
 *   q/1  QoS 2, to its end
 *   q/2  QoS 2, up to PUBREL
 *   q/3  QoS 2, without PUBREC; PUBREL of the publisher is missing, too
 *   q/4  QoS 1, not yet
 *   s    QoS 1, not yet, of a shared subscription
 *   q/5  QoS 1, not yet; for `gone`, too, whose session ended
 *
 * `kept/1` was retained twice, `kept/2` was removed, and `sub` has a will that is hardly ever due.
 */
const FORMER_LOG = [
  'H4sIAAAAAAACA41VTUhUURQ+d/ybsTIzmQwCpyyVSEatxMTyJURiSmMh2s7ReTriOKPzxiwhNHAzrhQhXRhllAlh9gsVRUmb2vRH',
  'RBC06EdbtBAqUpAm73vnOPfNjOO8zffm3He/75xv7jnXVl2TV3e4CgwAcDLR0wyrPJ+Gztc63+SNDlgap0bHfsVR3FZdU94HAONX',
  'pxYZAEgh++5927b7CgOoAoBcjOHm+TL+onQ1BgKBAIaeIvYyMZiAH8YDQHery0UkjWdlrm8DAE9f1k+u/ww1CG9/1/S3CvoJpM+Q',
  'p9OalZwUrKceADLGhuv5cirT4oQPkc+yGl8yAOxUnHavbG2xKkz0qQEARqaPZfKgE1cInyDvrnCfQOIvHZF9Cv0f/h4YsXPKF8hL',
  'mDOr8Zcjv1Z2AUsjDQaown+tpA3zZYTJDNAjsDe1uT3dLtnRIjsEfScA3JwYaONnqcKgxQnzUd8s1JfEglJBnXUAUIlfmILZCToV',
  'y+dte+LxdB68hfyERaizWdAxhkowjWeUK5T0/uZbF3A/YSnyHNL5VRj0yxDdL5AEv7yyS7YrsoMX3yUWH2byio+FXy/946kM4iEg',
  'lGL0EaSIPhpCffyY2qT6uID8hBVr+6iycZ4zvC2dN4bU/o/HNUQb8pTofNwb9DEuuo9G0UdFdvuE/CcBYPpRTiYv6gHqEZ6K0Sej',
  'VCX4FGkyFfXLr8Z39JSnzPiVydwL5bFOJn1fbHx97jqXbsBhQTiDeRbo/NnHWFRXUiVT0JVue6tP4TodyxyTfz4sqP2P/ITPUacY',
  'dfg3yhoq6ZIpdJ6pLw5hTpr7mTrkihO1PYQvUW8L6vFwm9zhsxawI4Iof5o93nbZC/r5e/Fa0QTnHUQ+wrez+nkehdcr++ytbpxQ',
  'xOs/+Hk95/2BfITvkDcjlLcwAm+75zQNPrp/5kr9ZvX8479C+AV5N63Nq7snlobfL6n1Iw/hIvJlh98TRrXnWjxuOcpFQfnmO1Me',
  'c/555CVkc6vel0ZJuC9ZSL7m3spatX4cEoRpczHmeyK7U22zCPnye+3OBoPqx2XkJexB/qO6/tmvO9mGsJOdIfYPZbNyO6gNtcfi',
  '83g0fb5yP6nuLte34Cgl9KO+SagvXmD8D5tvFD5gCQAA',
].join('');

const process = new StoredBroker();

afterEach(() => process.stop());

const FIRST = '/wal/0000000000000000.log';

test('the log of a former version is taken up: sessions, subscriptions, exchanges, queues, retained messages, wills', async () => {
  await process.files.makeDirectory();
  const file = await process.files.open(FIRST, 'create');
  await file.write(gunzipSync(Buffer.from(FORMER_LOG, 'base64')), 0);
  await file.sync();
  await file.close();
  await process.files.syncDirectory('/wal');
  await process.start();
  for (let start = 0; start < 3; start++) {
    expect(process.storage.logStats.quarantinedStretches).toBe(0);
    expect(process.broker.sessions.queuedCount).toBe(4);
    const entries = [...process.storage.entries].map(({ session, subscriptions, owner, will }) => ({
      clientId: session.clientId,
      owner,
      filters: [...subscriptions.values()].map(({ topicFilter }) => topicFilter),
      will: will === null ? null : `${will.message.topic} ${Buffer.from(will.message.payload)}`,
    }));
    expect(entries).toEqual([
      { clientId: 'sub', owner: null, filters: ['q/#', '$share/g/s'], will: 'will bye' },
      { clientId: 'pub', owner: null, filters: [], will: null },
    ]);
    // First from the former records, then from a checkpoint, then from records again.
    if (start === 0) await process.storage.log.checkpoint();
    await process.crash('everything');
  }

  const properties = { sessionExpiryInterval: 1000, receiveMaximum: 10 };
  const publisher = await process.open();
  publisher.connect('pub', { properties });
  expect(await publisher.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
  publisher.publish('q/3', 'sent', 2, 3, { dup: true });
  expect(await publisher.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });

  const subscriber = await process.open();
  subscriber.connect('sub', { properties });
  expect(await subscriber.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
  const packets = await subscriber.sentSoFar();
  expect(brief(packets)).toEqual([
    ...['pubrel', 'q/3 sent', 'q/4 waits', 's shared', 'q/5 waits, too'],
  ]);
  expect(packets[0]).toMatchObject({ messageId: 2 });
  expect(packets[1]).toMatchObject({ dup: true, messageId: 3, qos: 2 });
  expect(packets[1]).toMatchObject({ properties: { subscriptionIdentifier: 7 } });
  expect(packets[2]).toMatchObject({ dup: false, qos: 1 });

  const other = await process.open();
  other.connect('other', { clean: true });
  other.subscribe('kept/#', 1);
  await other.next();
  await other.next();
  expect(brief(await other.sentSoFar())).toEqual(['kept/1 retained']);
});
