"""The client of README.md with paho-mqtt 1.1, 1.6 or 2: of each the interface that it has."""
import json
import sys

import paho.mqtt.client as mqtt

host, port, transport, version, client_id, session = sys.argv[1:]
version = int(version)
keeps = session == "keep"


def say(event, **fields):
    sys.stdout.write(json.dumps(dict(fields, event=event)) + "\n")
    sys.stdout.flush()


def number(code):
    return getattr(code, "value", code)


def make_client():
    options = {"client_id": client_id, "protocol": version}
    if version < 5:
        options["clean_session"] = not keeps
    if hasattr(mqtt, "CallbackAPIVersion"):
        options["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION2
    if transport == "ws":
        options["transport"] = "websockets"
    return mqtt.Client(**options)


def on_connect(_client, _userdata, flags, code, *_properties):
    if number(code) != 0:
        say("refused", code=number(code))
        return
    present = flags["session present"] if isinstance(flags, dict) else flags.session_present
    say("connected", sessionPresent=bool(present))


def on_message(_client, _userdata, message):
    say(
        "message",
        topic=message.topic,
        payload=message.payload.decode(),
        qos=message.qos,
        retain=bool(message.retain),
    )


def on_subscribe(_client, _userdata, _mid, granted, *_properties):
    say("subscribed", granted=[number(code) for code in granted])


client = make_client()
client.on_connect = on_connect
client.on_message = on_message
client.on_subscribe = on_subscribe
client.on_publish = lambda *_: say("published")
client.on_unsubscribe = lambda *_: say("unsubscribed")
client.on_disconnect = lambda *_: say("lost")

if transport == "ws":
    client.ws_set_options(path="/mqtt")
if version == 5:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties = Properties(PacketTypes.CONNECT)
    if keeps:
        properties.SessionExpiryInterval = 3600
    client.connect(host, int(port), clean_start=not keeps, properties=properties)
else:
    client.connect(host, int(port))
client.loop_start()

for line in iter(sys.stdin.readline, ""):
    command, *words = line.split()
    if command == "subscribe":
        client.subscribe(words[0], int(words[1]))
    elif command == "unsubscribe":
        client.unsubscribe(words[0])
    elif command == "publish":
        topic, qos, retain, payload = words
        client.publish(topic, payload, int(qos), retain == "1")
    elif command == "disconnect":
        client.disconnect()
        break
client.loop_stop()
