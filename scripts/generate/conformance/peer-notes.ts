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
  'the reason for a close reaches a client that keeps sending':
    'a second CONNECT closes the connection, but the client doesn’t get to read why; the DISCONNECT is a SHOULD',
  'a PUBLISH that is malformed closes the connection': 'DUP at QoS 0 is taken',
  'PUBREL, SUBSCRIBE and UNSUBSCRIBE have their flags':
    'those have; the reserved flags of PINGREQ are not looked at',
  'a text frame closes the connection': 'packets in text frames are taken as if they were binary',
  'MQTT 3.1.1 goes over WebSocket in binary frames that need not be packets':
    'the last part: packets in text frames are taken as if they were binary',
  'a WebSocket that does not offer the subprotocol mqtt is refused':
    'a handshake that offers no subprotocol is accepted; one that offers only others is refused',
  'values of properties out of their range are refused':
    'a payload format of 2 is taken in a will; most others are refused',
  'PUBACK with any other flags than its own is malformed':
    'it is taken; flags that are reserved make a packet malformed',
  'PUBREC with any other flags than its own is malformed':
    'it is taken and answered; flags that are reserved make a packet malformed',
  'PUBCOMP with any other flags than its own is malformed':
    'it is taken; flags that are reserved make a packet malformed',
  'PINGREQ with any other flags than its own is malformed':
    'it is answered; flags that are reserved make a packet malformed',
  'PUBACK with another reason code is refused':
    'any code is taken; by §1.2, data that the protocol doesn’t allow are a Protocol Error',
  'PUBREC with another reason code is refused':
    'any code is taken; by §1.2, data that the protocol doesn’t allow are a Protocol Error',
  'PUBREL with another reason code is refused':
    'any code is taken; by §1.2, data that the protocol doesn’t allow are a Protocol Error',
  'PUBCOMP with another reason code is refused':
    'any code is taken; by §1.2, data that the protocol doesn’t allow are a Protocol Error',
  'PUBLISH with a property of another packet is refused':
    'a subscription identifier from a client is taken [MQTT-3.3.4-6]; the others are refused',
  'a version that is not known is refused in a format that the client may know':
    'refused, but newer versions are answered in the CONNACK of 3.1.1; the CONNACK itself is a MAY',
  'a packet with bytes after its end is malformed':
    'bytes after the properties of acknowledgements are ignored',
  'a QoS 2 message is delivered once, repeated at any point over reconnections':
    'it is delivered once; but PUBCOMP for an identifier that is not known says success, not 0x92',
  'repeated and unknown acknowledgements don’t raise the quota':
    'each PUBACK raises it, whatever its identifier, so that more than the Receive Maximum is sent',
  'a message expires while it waits for the client’s quota':
    'expiry is looked at when a client reconnects, not while it is connected',
  'a second CONNECT is refused, whatever is in it':
    'the connection is closed, but the will is not published; only DISCONNECT 0x00 deletes it',
  'a packet that is just as large as the client takes is sent, and one byte more is not':
    'the limit is taken without the first byte of the packet: one byte too many is sent',
  'share names are refused that are empty or have wildcards, and so are shares of nothing':
    'an empty share name is taken',
  'what a member had not acknowledged when its session ended goes to another':
    'it is dropped; passing it on is a SHOULD',
  'each of the options is replaced with the subscription':
    'only QoS and identifier are; No Local and Retain As Published stay as they were',
  'a malformed packet is answered with 0x81': 'a PINGREQ with reserved flags is answered',
  'a protocol error is answered with 0x82':
    'some connections are closed without a DISCONNECT; that it is sent is a SHOULD',
  'only DISCONNECT with 0x00 deletes a will':
    'every code but 0x04 deletes it; the rule has it published unless DISCONNECT had 0x00',
  'a client whose session is taken over gets 0x8E':
    'the old connection is closed without the DISCONNECT that the rule names',
  'a client that is silent for too long gets 0x8D':
    'the connection is closed without a DISCONNECT; that it is sent is a SHOULD',
  'each reason for a close reaches a client that keeps sending':
    'the connection is reset before the client has read it; a DISCONNECT is a SHOULD',
  'the reason for a refusal reaches a client that keeps sending':
    'the connection is reset before the client has read it; the CONNACK is a MAY',
  'a text frame ends the connection, and the will is sent':
    'packets in text frames are taken as if they were binary',
  'the reason for a close goes before the close':
    'a malformed packet closes the WebSocket without a DISCONNECT, which is a SHOULD',
  'DISCONNECT that ends the session sends the will at once':
    'it waits for its delay; §3.1.2.5 has it sent when the session ends, if that is earlier',
  'a new connection with clean start ends the session, and the will does not wait':
    'the will is dropped; the session that it belongs to has ended, so that it is due',
  'a takeover with clean start sends a delayed will':
    'the will is dropped; the session that it belongs to has ended, so that it is due',
  'overlapping subscriptions give at least one copy, at the highest QoS':
    'one copy at the QoS of the subscription found first, which here is the lowest',
  'an acknowledgement has two bytes and no more':
    'bytes after the identifier are ignored, where 3.1.1 has a remaining length of 2',
};
