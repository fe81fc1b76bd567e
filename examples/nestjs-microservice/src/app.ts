import 'reflect-metadata';
import { type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { createBroker, type RunningBroker } from '@promptmq/server';
import { DevicesController } from './devices.controller.js';

@Module({ controllers: [DevicesController] })
class AppModule {}

export interface App {
  readonly broker: RunningBroker;
  readonly service: INestMicroservice;
  stop(): Promise<void>;
}

/**
 * The broker, and a microservice that is a client of it.
 *
 * @param bind - where MQTT is served, such as 0.0.0.0:1883
 */
export async function startApp(bind: string): Promise<App> {
  const broker = await createBroker({ server: { bind, wsBind: 'none' } });
  const service = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
    transport: Transport.MQTT,
    options: { url: broker.url as string, protocolVersion: 5, subscribeOptions: { qos: 1 } },
    logger: ['error', 'warn'],
  });
  await service.listen();
  return {
    broker,
    service,
    async stop() {
      await service.close();
      await broker.stop();
    },
  };
}
