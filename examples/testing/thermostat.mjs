/** What is tested: it turns the heating of a room on and off, by the temperatures that come by MQTT. */
import mqtt from 'mqtt';

export class Thermostat {
  #client;
  #room;
  #target;
  #isOn = null;

  /** @param target - degrees */
  constructor(url, room, target) {
    this.#room = room;
    this.#target = target;
    this.#client = mqtt.connect(url, {
      clientId: `thermostat-${room}`,
      protocolVersion: 5,
      reconnectPeriod: 10,
      will: { topic: `rooms/${room}/thermostat`, payload: 'gone', qos: 1, retain: true },
    });
    this.#client.on('message', (_topic, payload) => this.#onTemperature(Number(payload)));
  }

  async start() {
    await this.#client.subscribeAsync(`rooms/${this.#room}/temperature`, { qos: 1 });
  }

  async stop() {
    await this.#client.endAsync();
  }

  #onTemperature(degrees) {
    const isOn = degrees < this.#target;
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    const state = JSON.stringify({ on: isOn, at: degrees });
    this.#client.publish(`rooms/${this.#room}/heating`, state, { qos: 1, retain: true });
  }
}
