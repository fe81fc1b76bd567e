"""A test with paho-mqtt, against `promptmq test-server --clock fake --storage --ready-file FILE`: test_device.py FILE"""

import json
import sys
import unittest
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

with open(sys.argv.pop(1), encoding="utf-8") as file:
    ready = json.load(file)
broker = urlsplit(ready["url"])


def control(verb, **fields):
    with urlopen(Request(f"{ready['control']}/{verb}", json.dumps(fields).encode())) as answer:
        return json.load(answer)


def connect(client_id, will=None, **options):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
    client.reconnect_delay_set(1, 1)
    if will is not None:
        client.will_set("will", will)
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    client.connect(broker.hostname, broker.port, clean_start=False, properties=properties, **options)
    client.loop_start()
    return client


class DeviceTest(unittest.TestCase):
    def setUp(self):
        control("faults/clear")
        control("clear")

    def test_publishes(self):
        device = connect("publisher")
        device.publish("devices/1/state", '{"on": true}', qos=1).wait_for_publish(10)
        found = control("waitFor", filter="devices/+/state", where={"payload": {"on": True}})
        self.assertEqual(found["messages"][0]["client"], "publisher")
        device.disconnect()
        device.loop_stop()

    def test_sends_again_what_was_not_acknowledged(self):
        device = connect("cut")
        fault = control("faults/cut", client="cut", before="PUBACK")
        device.publish("cut", "x", qos=1).wait_for_publish(10)
        control("waitFor", filter="cut", count=2)
        self.assertEqual(control("faults/undo", id=fault["id"])["hits"], 1)
        device.disconnect()
        device.loop_stop()

    def test_is_missed_when_it_is_silent(self):
        device = connect("silent", will="gone", keepalive=60)
        device.publish("here", qos=1).wait_for_publish(10)
        control("clock/advance", duration="2h")
        control("waitFor", filter="will", where={"payload": "gone"})
        device.disconnect()
        device.loop_stop()

    def test_is_told_what_was_wrong(self):
        with self.assertRaises(HTTPError) as raised:
            control("faults/drop", packet="PUBAK")
        self.assertEqual(raised.exception.code, 400)
        self.assertIn("the name of a packet: CONNECT", raised.exception.read().decode())


unittest.main()
