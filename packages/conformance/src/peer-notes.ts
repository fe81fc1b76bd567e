/**
 * What each case that mosquitto fails says of it, by the case's title: which part of the rule it was, and
 * whether the standard leaves another reading.
 */
export const peerNotes: Readonly<Record<string, string>> = {
  'an unknown protocol version is refused':
    'refused, but in the CONNACK of 3.1.1, which an MQTT 5 client can’t read; the CONNACK itself is a MAY',
  'a second connection takes the session over':
    'the old connection is closed without the DISCONNECT 0x8E that the rule names',
  'values out of range are refused':
    'authentication data without a method is taken; the other values are refused',
  'a variable byte integer must be minimal': 'a property length in more bytes than needed is taken',
  'QoS 3 and DUP at QoS 0 are malformed': 'DUP at QoS 0 is taken; QoS 3 is refused',
  'a response topic may not have wildcards': 'it is taken and forwarded',
  'properties that do not belong to PUBLISH, or repeat, are refused':
    'a subscription identifier from a client and a payload format of 2 are taken; the others are refused',
  'QoS 2 is delivered once, however often PUBLISH and PUBREL are repeated':
    'a repetition without DUP ends the connection; the rule asks for PUBREC to any PUBLISH of that identifier',
  'an unknown PUBREC is answered with PUBREL 0x92, and other unknown ones do no harm':
    'PUBREL says success; §3.6.2.1 has 0x92 for an identifier that isn’t known',
  'more than the broker’s Receive Maximum is refused (0x93)':
    'the message is refused with 0x97 and the connection stays; §4.9 wants DISCONNECT 0x93',
  'PINGREQ is answered': 'it is; but a PINGREQ with a body is taken, too (§2.1.4, §3.12)',
  'packets that only a server sends, and reserved types, are refused':
    'SUBACK, UNSUBACK, PINGRESP and a PUBACK with reserved flags are ignored, and the connection stays',
  'malformed share names and no local are refused':
    'No Local on a shared subscription is granted; the rule makes it a protocol error',
  'a shared subscription gets no retained messages': 'it gets them; §4.8.2 says it doesn’t',
  'a will whose session ends does not wait for its delay':
    'it waits; §3.1.2.5 has it sent when the session ends, if that is earlier',
  'a message that was sent is sent again although it has expired':
    'it is dropped; expiry may not be applied to what has been sent',
  'a keep alive that is missed closes the connection':
    'it is noticed some seconds late; the rule names one and a half times the keep alive',
  'keep alive passed one and a half times closes the connection':
    'it is noticed some seconds late; the rule names one and a half times the keep alive',
  'the reason for a close reaches a client that goes on sending':
    'a second CONNECT closes the connection, but the client doesn’t get to read why; the DISCONNECT is a SHOULD',
  'a PUBLISH that is malformed closes the connection': 'DUP at QoS 0 is taken',
  'PUBREL, SUBSCRIBE and UNSUBSCRIBE have their flags':
    'those have; the reserved flags of PINGREQ are not looked at',
  'a text frame closes the connection': 'packets in text frames are taken as if they were binary',
  'MQTT 3.1.1 goes over WebSocket in binary frames that need not be packets':
    'the last part: packets in text frames are taken as if they were binary',
  'a WebSocket that does not offer the subprotocol mqtt is refused':
    'a handshake that offers no subprotocol is accepted; one that offers only others is refused',
};
