import { Controller } from '@nestjs/common';
import {
  Ctx,
  EventPattern,
  MessagePattern,
  type MqttContext,
  Payload,
} from '@nestjs/microservices';

@Controller()
export class DevicesController {
  readonly #states = new Map<string, unknown>();

  /** What any MQTT client publishes; its topic says which device it is. */
  @EventPattern<string>('devices/+/state')
  onState(@Payload() state: unknown, @Ctx() context: MqttContext): void {
    const [, device = ''] = context.getTopic().split('/');
    this.#states.set(device, state);
  }

  /** A request of a `ClientProxy`: Nest publishes the answer to devices/read/reply. */
  @MessagePattern('devices/read')
  read(@Payload() device: string): unknown {
    return this.#states.get(device) ?? null;
  }
}
