import { PACKET_SIZE_MAX } from '@promptmq/codec';
import { z } from 'zod';
import {
  choice,
  duration,
  durationOrNone,
  flag,
  integer,
  list,
  size,
  text,
} from '../values/units.ts';

/** From here on CONNACK names no Maximum Packet Size, so that there is none (§3.2.2.3.6). */
const UNANNOUNCED_BYTES_MIN = 268_435_456;

const GIGABYTE = 1000 ** 3;
const DAY_MS = 86_400_000;

/** What the user properties of a message can say of its origin. */
const STAMPS = ['publisher', 'user', 'time'] as const;

/** What clients may do, and the limits of whatever they can make grow. */
export const mqttSection = z
  .strictObject({
    maxQos: integer(0, 2)
      .transform((value) => value as 0 | 1 | 2)
      .prefault(2)
      .describe(
        'highest QoS that clients may publish with, and that subscriptions are granted; the default is all that the protocol has',
      ),
    maxConnections: integer(1, 10_000_000)
      .prefault(10_000)
      .describe(
        'clients connected at the same time; the default takes 80 MB while they are idle, 8 KB each, and as many open files',
      ),
    maxInflight: integer(1, 65_535)
      .prefault(1000)
      .describe(
        'QoS 1 and 2 messages under way to a client that states no Receive Maximum. The default holds back no client that keeps up, also on a slow network; one that does not is only sent what it takes, see docs/performance.md',
      ),
    maxInflightBytes: size(16_384, 1000 * GIGABYTE)
      .prefault('64MB')
      .describe(
        'memory of the QoS 1 and 2 messages that a client was sent and has not acknowledged, 250 bytes each, and the message where it is not stored; beyond, it is sent no more. The default has room for the whole Receive Maximum, stored or up to 700 bytes long',
      ),
    maxInflightBytesTotal: size(65_536, 1000 * GIGABYTE)
      .prefault('512MB')
      .describe(
        'that memory for all clients together; as it fills up, no client may have more than is left. The default is 200 messages to each of 10,000 clients',
      ),
    receiveMaximum: integer(1, 65_535)
      .prefault(1000)
      .describe(
        'QoS 1 and 2 messages that an MQTT 5 client may have under way to the broker; the default lets one that is 100 ms away publish 10,000 a second',
      ),
    keepAlive: integer(0, 65_535)
      .prefault(0)
      .describe(
        'keep alive, in seconds, for MQTT 5 clients that ask for none; 0 gives none. It is the default because widely used clients ignore what they are given and would be cut (MQTT.js 4 and 5, paho-mqtt 1.6); server.tcp-keep-alive finds who is gone',
      ),
    maxKeepAlive: integer(0, 65_535)
      .prefault(0)
      .describe(
        'longest keep alive, in seconds, for clients that ask for a longer one or none; 0 allows any, which is the default as the protocol leaves it to the client. MQTT 5 clients are notified; earlier ones cannot be, and are disconnected when nothing has come from them for 1.5 times as long',
      ),
    retainAvailable: flag()
      .prefault(true)
      .describe('whether messages may be retained; the default is all that the protocol has'),
    wildcardAvailable: flag()
      .prefault(true)
      .describe('whether filters may have wildcards; the default is all that the protocol has'),
    subscriptionIdentifiersAvailable: flag()
      .prefault(true)
      .describe(
        'whether subscriptions may have identifiers; the default is all that the protocol has',
      ),
    sharedSubAvailable: flag()
      .prefault(true)
      .describe('whether subscriptions may be shared; the default is all that the protocol has'),
    maxPacketSize: size(64, PACKET_SIZE_MAX)
      .transform((bytes) => (bytes >= UNANNOUNCED_BYTES_MIN ? PACKET_SIZE_MAX : bytes))
      .prefault(PACKET_SIZE_MAX)
      .describe(
        'largest packet that a client may send; the default is the largest that there is. From 268,435,456 on it is that one, as paho-mqtt refuses such a number in CONNACK',
      ),
    maxConnectSize: size(256, PACKET_SIZE_MAX)
      .prefault('256KiB')
      .describe(
        'largest packet of a client that has not been let in: CONNECT with a will, a token and properties, and AUTH',
      ),
    maxControlPacketSize: size(1024, PACKET_SIZE_MAX)
      .prefault('1MiB')
      .describe(
        'largest packet other than PUBLISH: the default has room for 10,000 filters of 100 bytes, which are read in 20 ms',
      ),
    maxUserProperties: integer(0, 1_000_000)
      .prefault(10_000)
      .describe(
        'user properties of one packet; 10,000 are read in some milliseconds, and few programs send ten. A packet with more ends its connection (0x97)',
      ),
    maxPropertiesSize: size(1024, PACKET_SIZE_MAX)
      .prefault('256KiB')
      .describe(
        'bytes of the properties of one packet: the default has room for the longest of all that come once, and 64 KiB of user properties. A packet with more ends its connection (0x97)',
      ),
    maxFiltersPerPacket: integer(1, 10_000_000)
      .prefault(10_000)
      .describe(
        'topic filters of one SUBSCRIBE or UNSUBSCRIBE: the default is that of mqtt.max-subscriptions, as more could not be granted. A packet with more ends its connection (0x97)',
      ),
    maxClientIdLen: integer(23, 65_535)
      .prefault(1024)
      .describe(
        'longest client identifier, in bytes; the default has room for every name that people make, and little for those who fill memory with them',
      ),
    maxTopicLen: integer(1, 65_535)
      .prefault(65_535)
      .describe(
        'longest topic name or filter, in bytes; the default is the longest that the protocol has',
      ),
    maxTopicLevels: integer(1, 65_536)
      .prefault(256)
      .describe(
        'levels of a topic name or filter; the default is ten times as many as topics have, and limits what a filter costs to match',
      ),
    maxTopicAlias: integer(0, 65_535)
      .prefault(10)
      .describe(
        'topic aliases that a client may set on a connection; each holds a topic in memory, and the default is enough for a device that publishes its readings',
      ),
    maxTopicAliasOut: integer(0, 65_535)
      .prefault(10)
      .describe(
        'topic aliases that the broker sets on a connection, where the client allows them; the default is that of the other direction',
      ),
    maxSessionExpiry: durationOrNone(0)
      .transform((ms) => Math.min(Math.floor(ms / 1000), 0xffff_ffff))
      .prefault('none')
      .describe(
        'longest that a session outlives its connection; none by default, as MQTT leaves it to the client',
      ),
    maxMessageExpiry: durationOrNone(1000)
      .prefault('none')
      .describe(
        'longest that a message waits, whatever its publisher says; none by default, as MQTT leaves it to the publisher',
      ),
    maxQueuedMessages: integer(1, 100_000_000)
      .prefault(1_000_000)
      .describe(
        'messages that wait for one session; the default is 11 days of a message a second, and takes 13 MB where they are stored',
      ),
    maxQueuedBytes: size(1, 1000 * GIGABYTE)
      .prefault('64MB')
      .describe(
        'bytes of the messages that wait in memory for one session; the default is a minute of 1 MB a second',
      ),
    maxQueuedMessagesTotal: integer(1, 1_000_000_000)
      .prefault(10_000_000)
      .describe(
        'messages that wait for all sessions together; the default is ten sessions at their limit',
      ),
    maxQueuedBytesTotal: size(1, 1_000_000 * GIGABYTE)
      .prefault('4GB')
      .describe(
        'bytes of the messages that wait for all sessions together; the default is 60 sessions at their limit',
      ),
    maxQueuedMemoryTotal: size(65_536, 1_000_000 * GIGABYTE)
      .prefault('1GB')
      .describe(
        'bytes of the messages that wait for all sessions together whose messages are in memory only; the default is 16 of them at mqtt.max-queued-bytes',
      ),
    queueOverflow: choice('drop-newest', 'drop-oldest', 'reject')
      .prefault('drop-newest')
      .describe(
        'which message gives way when a session has too many; reject tells the publisher. The default keeps what was acknowledged first',
      ),
    maxSubscriptions: integer(1, 10_000_000)
      .prefault(10_000)
      .describe(
        'subscriptions of one client; the default is far more than a client needs that subscribes by wildcards',
      ),
    maxSubscriptionBytes: size(1024, 1000 * GIGABYTE)
      .prefault('16MB')
      .describe(
        'memory of the subscriptions of one client: 600 bytes each, 1,100 if shared, and two for each character of the filter. The default is as many as mqtt.max-subscriptions allows, of 400 characters',
      ),
    maxSubscriptionBytesTotal: size(65_536, 1000 * GIGABYTE)
      .prefault('1GB')
      .describe(
        'memory of the subscriptions of all clients together; the default is 1.5 million subscriptions of 30 characters, which fit the heap that Node takes by default on a machine of 4 GB',
      ),
    maxSessions: integer(1, 100_000_000)
      .prefault(100_000)
      .describe(
        'sessions without connection that are kept; when there are that many, a client that wants a new one that outlives its connection is refused (0x97). The default takes 700 MB',
      ),
    maxWillSize: size(256, PACKET_SIZE_MAX)
      .prefault('256KB')
      .describe(
        'memory of a will: topic, payload, properties and 400 bytes. The default has room for the longest topic and payload, and 128 KB of properties',
      ),
    maxWillBytesTotal: size(65_536, 1000 * GIGABYTE)
      .prefault('256MB')
      .describe(
        'memory of the wills of all clients together, also of those that are gone and whose will is not due yet; the default is 1,000 of the largest, or 25 KB for each of 10,000',
      ),
    maxAliasBytesTotal: size(65_536, 1000 * GIGABYTE)
      .prefault('256MB')
      .describe(
        'memory of the topics that have an alias, for all connections together; the default has room for 20 of 1 KB on each of 10,000 connections',
      ),
    maxRetained: integer(0, 100_000_000)
      .prefault(1_000_000)
      .describe('retained messages in all; the default is 100 of each of 10,000 devices'),
    maxRetainedBytes: size(0, 1000 * GIGABYTE)
      .prefault('1GB')
      .describe(
        'bytes of retained messages in all; the default is 1 KB for each of mqtt.max-retained',
      ),
    connectTimeout: duration(1, DAY_MS)
      .prefault('10s')
      .describe(
        "how long a new connection may take until its CONNECT is answered, with PROXY protocol header, TLS and HTTP; 10 s are enough for TLS over a slow modem, and short enough that idle sockets don't pile up",
      ),
    maxOutputBuffer: size(1024, 1000 * GIGABYTE)
      .prefault('8MB')
      .describe(
        'bytes waiting for one client; above it, QoS 0 messages to it are dropped. The default is a second of 64 Mbit/s',
      ),
    maxOutputTotal: size(65_536, 1000 * GIGABYTE)
      .prefault('256MB')
      .describe(
        'bytes waiting for all clients together; as it fills up, no client may have more waiting than is left. The default has room for 30 clients that are as far behind as mqtt.max-output-buffer allows, and for 16 KB each for 10,000',
      ),
    maxInsidePublishes: integer(1, 10_000_000)
      .prefault(10_000)
      .describe(
        'messages that the program in which the broker is embedded may have under way: those of which it has not been told yet that they are safe. The default holds back no program that awaits each, and is a second of 10,000 messages for one that does not',
      ),
    maxInsidePublishBytes: size(1024, 1000 * GIGABYTE)
      .prefault('64MB')
      .describe(
        'their bytes; a single message may have more. The default is 6 KB for each of mqtt.max-inside-publishes',
      ),
    maxInputTotal: size(65_536, 1000 * GIGABYTE)
      .prefault('512MB')
      .describe(
        'bytes of packets that have not come whole, of all clients together; as it fills up, a client that has sent more of one than is left is disconnected. The default has room for one packet of the largest size',
      ),
    maxReplayBytes: size(65_536, 1000 * GIGABYTE)
      .prefault('32MB')
      .describe(
        'memory of the retained messages that a stored session is owed at QoS 1 or 2, 250 bytes each; above it, further subscriptions of that session are refused. The default is 130,000 messages',
      ),
    maxReplayBytesTotal: size(65_536, 1000 * GIGABYTE)
      .prefault('256MB')
      .describe(
        'that memory for all sessions together, with the former versions of retained messages that change while they are being sent; the default is eight sessions at their limit',
      ),
    maxEventBytes: size(65_536, 1000 * GIGABYTE)
      .prefault('64MB')
      .describe(
        'memory of the events that wait for the end of the turn, where the program that embeds the broker listens for them: 400 bytes each, and the payload; beyond, events are left out, counted and logged. The default has room for what 1,000 clients that send 64 KB at once publish',
      ),
    maxTopicCache: size(65_536, 1000 * GIGABYTE)
      .prefault('64MB')
      .describe(
        'memory of the cache from topics to their subscribers; the default has room for 65,536 topics of 150 characters, and it never keeps more',
      ),
    overlappingSubscriptions: choice('merge', 'each')
      .prefault('merge')
      .describe(
        'one copy of a message for all matching subscriptions of a client, or one for each; the default sends less, and either is allowed',
      ),
    allowEmptyClientId: flag()
      .prefault(true)
      .describe(
        'whether clients may leave their identifier to the broker; the default is what MQTT 5 and 3.1.1 describe',
      ),
    responseInformation: text(1024)
      .prefault('')
      .describe(
        'response information, from which clients that ask for it make response topics; %c stands for their identifier, and it is left out when it is longer than 65,535 bytes with that. Nothing by default: topics are up to those who write the clients',
      ),
    stamp: list(STAMPS.length)
      .refine(
        (written) => written.every((one) => STAMPS.some((stamp) => stamp === one)),
        `some of ${STAMPS.join(', ')}`,
      )
      .transform((written) => written as readonly (typeof STAMPS)[number][])
      .prefault([])
      .describe(
        'what the user properties of each message say of its origin, for MQTT 5 clients: publisher (x-publisher, the client identifier), user (x-user), time (x-time, when the broker got it). Of the three, those that a publisher sends are taken out then. Nothing by default: it is work and bytes for every message',
      ),
    checkPayloadFormat: flag()
      .prefault(false)
      .describe(
        'whether payloads that are declared as UTF-8 must be; off by default, as MQTT leaves it to the receiver and it is work for every message',
      ),
  })
  .prefault({});
