/**
 * Packets, and what isn't one, that have ended brokers, this one or others, or are close to it: what is sent as it is now and
 * then, and what mutations begin with. Hexadecimal, each with what it is.
 */
const PACKETS: Readonly<Record<string, string>> = {
  'a remaining length of five bytes': '30ffffffff7f',
  'a remaining length in more bytes than it needs': '30840000016178',
  'CONNECT with half a property, as CONNACK': '29020001',
  'CONNECT 5, and a CONNACK behind it': '101000044d5154540502003c03210014000029020001e000',
  'CONNECT 3.1.1 whose will is missing': '101200044d5154540406003c0004746573740000',
  'CONNECT 3.1 of a bridge': '101200064d51497364708302003c000463313233',
  'CONNECT of level 99': '100d00044d5154546302003c000163',
  'CONNECT with authentication data alone': '101300044d5154540502003c051600026162000163',
  'PUBLISH without a topic': '30020000',
  'PUBLISH at QoS 1 that ends after its topic': '3203000161',
  'PUBLISH at QoS 2 with packet identifier 0': '3406000161000000',
  'PUBLISH with alias 0': '300700016103230000',
  'PUBLISH with an alias alone': '3006000003230001',
  'PUBLISH whose properties are longer than it': '3008000161ffffff7f78',
  'PUBLISH with a lone surrogate': '3007000461eda08000',
  'SUBSCRIBE that ends before its options': '8206000100000161',
  'SUBSCRIBE without filters': '8203000100',
  'SUBSCRIBE with reserved options': '8207000100000161c0',
  'SUBSCRIBE to a share without a filter': '820e00010000082473686172652f6700',
  'UNSUBSCRIBE without filters': 'a203000100',
  'PUBREL with DUP': '6a020005',
  'PUBREL nobody waits for': '62020fff',
  'PUBACK with a reason alone': '4003000110',
  'PUBACK with properties cut off': '40050001000526',
  'AUTH without anything': 'f000',
  'AUTH that goes on with nothing': 'f0021800',
  'AUTH of an unknown method': 'f00719051500026d6d',
  'DISCONNECT that gives the session an expiry': 'e00700051100000e10',
  'PINGREQ with a body': 'c0020000',
  'packet type 0': '0000',
};

export const corpus: readonly Uint8Array[] = Object.values(PACKETS).map((hex) =>
  Uint8Array.from(Buffer.from(hex, 'hex')),
);
