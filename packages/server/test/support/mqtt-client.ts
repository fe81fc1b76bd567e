import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';

/** A message as MQTT.js delivers it. */
export interface Received {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}

/** An MQTT.js client that keeps what it receives, and can be waited for. */
export class TestClient {
  readonly mqtt: MqttClient;
  readonly received: Received[] = [];
  /** The same as they came, with their properties. */
  readonly packets: IPublishPacket[] = [];
  #waiting: (() => void) | null = null;

  private constructor(client: MqttClient) {
    this.mqtt = client;
    client.on('message', (topic, payload, packet) => {
      const { qos, retain } = packet;
      this.packets.push(packet);
      this.received.push({ topic, payload: payload.toString('latin1'), qos, retain });
      this.#waiting?.();
    });
  }

  static async connect(url: string, options: IClientOptions = {}): Promise<TestClient> {
    const client = mqtt.connect(url, { reconnectPeriod: 0, ...options });
    // Before CONNACK: queued messages may follow it in the same chunk.
    const testClient = new TestClient(client);
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed before CONNACK')));
    });
    client.on('error', () => {});
    return testClient;
  }

  /** Waits until this number of messages has come since the start. */
  async messages(count: number): Promise<Received[]> {
    while (this.received.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.received;
  }

  payloads(): string[] {
    return this.received.map(({ payload }) => payload);
  }

  /** Resolves when the connection is closed. */
  closed(): Promise<void> {
    return new Promise((resolve) => {
      this.mqtt.once('close', () => resolve());
    });
  }

  /** Cuts the connection without a DISCONNECT, as a crash would. */
  async crash(): Promise<void> {
    const closed = this.closed();
    this.mqtt.stream.destroy();
    await closed;
  }

  end(): Promise<void> {
    return this.mqtt.endAsync();
  }
}

/** What the next event of a client brings. */
export function next(client: MqttClient, name: 'disconnect' | 'message'): Promise<unknown> {
  return new Promise((resolve) => client.once(name, (first: unknown) => resolve(first)));
}
