import { describe, expect, test } from '@jest/globals';
import { Overload, type ProcessLook } from '../../src/limits/overload/overload.ts';
import { ProcessGauge } from '../../src/limits/overload/process-gauge.ts';
import { noopLogger } from '../../src/log/index.ts';
import { SimulatedClock } from '../../src/testing/clock/simulated-clock.ts';
import { Simulation } from '../support/simulation.ts';

const packet = (payload: string) =>
  ({
    cmd: 'publish',
    qos: 0,
    dup: false,
    retain: false,
    topic: 't',
    payload: Buffer.from(payload),
  }) as never;
const packets = (count: number) => Array.from({ length: count }, (_, index) => packet(`${index}`));

/** Marks of 65, 70 and 75 percent, of 1 s and 3 s; what is looked at passes in steps of 100 ms. */
function overloadOf(simulation: Simulation) {
  const { overload } = simulation.broker;
  let now = 0;
  const look = (memoryPercent: number, lagMs = 0, count = 1) => {
    for (let index = 0; index < count; index++) {
      now += 100;
      overload.look({ now, memoryPart: memoryPercent / 100, lagMs });
      simulation.broker.checkInvariants();
    }
    return overload.level;
  };
  return { overload, look };
}

describe('levels by memory', () => {
  test('new clients are refused when it was too much for a second, until it is 5 percent less', () => {
    const { look } = overloadOf(new Simulation());
    expect(look(64, 0, 100)).toBe(0);
    expect(look(65, 0, 10)).toBe(0);
    expect(look(64)).toBe(0);
    expect(look(65, 0, 11)).toBe(1);
    expect(look(60, 0, 100)).toBe(1);
    expect(look(59)).toBe(0);
  });

  test('publishers are slowed at once, then stopped; each until it is 5 percent less', () => {
    const { look } = overloadOf(new Simulation());
    expect([70, 74, 75, 70, 69, 65, 64, 59].map((percent) => look(percent))).toEqual([
      2, 2, 3, 3, 2, 2, 1, 0,
    ]);
  });

  test('100 percent is never', () => {
    const { look } = overloadOf(
      new Simulation({
        limits: { overload: { memoryRefuse: 100, memorySlow: 100, memoryStop: 100 } },
      }),
    );
    expect(look(100, 0, 100)).toBe(0);
  });

  test('it is configured: publishers are never slowed before new clients are refused', () => {
    const { look } = overloadOf(
      new Simulation({ limits: { overload: { memoryRefuse: 60, memorySlow: 50 } } }),
    );
    expect(look(49, 0, 20)).toBe(0);
    expect(look(50)).toBe(2);
    expect(look(74)).toBe(2);
    expect(look(75)).toBe(3);
  });
});

test('levels by time: five turns in a row that take too long, until one takes half of that', () => {
  const { look } = overloadOf(
    new Simulation({ limits: { overload: { lagRefuse: '1s', lagSlow: '3s' } } }),
  );
  expect(look(10, 60_000, 4)).toBe(0);
  expect(look(10, 0)).toBe(0);
  expect(look(10, 1000, 4)).toBe(0);
  expect(look(10, 1000)).toBe(1);
  expect(look(10, 500)).toBe(1);
  expect(look(10, 499)).toBe(0);
  expect(look(10, 3000, 5)).toBe(2);
});

describe('what is done', () => {
  test('a new client gets 0x89, before MQTT 5 return code 3; those that are connected are served', () => {
    const simulation = new Simulation();
    const { look } = overloadOf(simulation);
    const client = simulation.connect('c');
    client.subscribe('t');
    client.take();
    look(66, 0, 11);
    const refused = simulation.open();
    refused.connect('d');
    expect(refused.take()).toMatchObject([
      {
        reasonCode: 0x89,
        properties: { reasonString: 'the broker is overloaded (limits.overload)' },
      },
    ]);
    const old = simulation.open(4);
    old.connect('e');
    expect(old.take()).toMatchObject([{ returnCode: 3 }]);
    client.publish('t', 'x');
    expect(client.brief()).toEqual(['publish t x']);
    look(10);
    simulation.connect('d');
  });

  test('who publishes is slowed: a message each 100 ms, nothing lost; who only receives isn’t', () => {
    const simulation = new Simulation();
    const { look } = overloadOf(simulation);
    const subscriber = simulation.connect('s');
    subscriber.subscribe('t');
    subscriber.take();
    const publisher = simulation.connect('p');
    look(72);
    publisher.send(...packets(5));
    expect(subscriber.take()).toHaveLength(1);
    expect(publisher.isPaused).toBe(true);
    look(72);
    expect(subscriber.take()).toHaveLength(1);
    look(72);
    expect(subscriber.take()).toHaveLength(1);
    expect(simulation.broker.stats.publishersHeldBack).toBe(3);
    subscriber.send({ cmd: 'pingreq' });
    expect(subscriber.brief()).toEqual(['pingresp']);
    look(10);
    expect(subscriber.take()).toHaveLength(2);
    expect(publisher.isPaused).toBe(false);
    publisher.publish('t', 'x');
    expect(subscriber.brief()).toEqual(['publish t x']);
  });

  test('who subscribes waits, too, and rates hold beside it', () => {
    const simulation = new Simulation({ limits: { client: { messages: '1/10s' } } });
    const { look } = overloadOf(simulation);
    const client = simulation.connect('c');
    look(90);
    client.subscribe('t');
    client.send(...packets(3));
    expect(client.brief()).toEqual(['suback 2']);
    look(10);
    expect(client.brief()).toEqual(['publish t 0']);
    simulation.advance(10);
    expect(client.brief()).toEqual(['publish t 1']);
  });

  test('stopped publishers wait until it is over; one that is taken over or cut is forgotten', () => {
    const simulation = new Simulation();
    const { look, overload } = overloadOf(simulation);
    const clients = ['a', 'b', 'c'].map((clientId) => simulation.connect(clientId));
    look(95);
    for (const client of clients) client.send(...packets(2));
    look(95, 0, 1000);
    expect(overload.heldCount).toBe(3);
    expect(simulation.broker.stats.messagesReceived).toBe(3);
    const [a, b] = clients;
    simulation.broker.sessions.connectionOf('a')?.takeOver(null);
    expect(a?.isPaused).toBe(false);
    simulation.broker.sessions.connectionOf('b')?.terminate();
    expect(b?.isClosed).toBe(true);
    expect(overload.heldCount).toBe(1);
    look(10);
    expect(simulation.broker.stats.messagesReceived).toBe(4);
    expect(overload.heldCount).toBe(0);
  });

  test('one that broke a rule after what it waits for is refused when it is let go, and the others are let go, too', () => {
    const simulation = new Simulation();
    const { look } = overloadOf(simulation);
    const [bad, good] = ['bad', 'good'].map((clientId) => simulation.connect(clientId));
    look(95);
    bad?.send(packet('x'), Uint8Array.of(0xf8, 0));
    good?.send(...packets(2));
    look(10);
    expect(bad?.brief()).toEqual(['disconnect 129']);
    expect(simulation.broker.stats.messagesReceived).toBe(3);
  });

  test('each level is logged once, with its end, and counted', () => {
    const simulation = new Simulation();
    const lines: unknown[] = [];
    const log = (event: string, fields?: object) => lines.push({ event, ...fields });
    const { broker } = simulation;
    const overload = new Overload({
      config: broker.config,
      stats: broker.stats,
      log: { ...noopLogger, info: log, warn: log },
      faults: broker.faults,
      onHolding: () => {},
    });
    const look = (now: number, memoryPart: number) =>
      overload.look({ now, memoryPart, lagMs: 0 } as ProcessLook);
    for (const [now, part] of [
      [0, 0.66],
      [1000, 0.66],
      [2000, 0.7],
      [3000, 0.64],
      [4000, 0.7],
      [5000, 0.75],
      [9000, 0.1],
      [10_000, 0.7],
    ] as const)
      look(now, part);
    expect(lines).toEqual([
      { event: 'overloaded', level: 'refusing', memoryPercent: 66, lagMs: 0 },
      { event: 'overloaded', level: 'slowing', memoryPercent: 70, lagMs: 0 },
      { event: 'overloaded', level: 'stopping', memoryPercent: 75, lagMs: 0 },
      { event: 'overload-ended', memoryPercent: 10, seconds: 8 },
      { event: 'overloaded', level: 'slowing', memoryPercent: 70, lagMs: 0 },
    ]);
    expect(overload.text).toBe('publishers are slowed: 70 % of memory used, turns of 0 ms');
    expect([...broker.stats.limitsReached]).toEqual([
      ['limits.overload.memory-refuse', 1],
      ['limits.overload.memory-slow', 3],
      ['limits.overload.memory-stop', 1],
    ]);
  });
});

describe('the gauge', () => {
  function gaugeOf() {
    const clock = new SimulatedClock();
    const state = { part: 0.1, afterCollection: 0.1, collections: [] as number[], looks: 0 };
    const { overload } = new Simulation().broker;
    const gauge = new ProcessGauge(overload, noopLogger, {
      now: () => clock.time,
      memoryPart: () => {
        state.looks++;
        return state.part;
      },
      collectGarbage: () => {
        state.collections.push(clock.time);
        state.part = state.afterCollection;
      },
      setTimer: (delayMs, callback) => clock.schedule(delayMs, callback),
    });
    const advance = (ms: number) => {
      const end = clock.time + ms;
      while (clock.step(end));
    };
    return { clock, state, overload, gauge, advance };
  }

  test('looks every 100 ms, and every 10 while half of the memory is used; no more when it was stopped', () => {
    const { state, gauge, advance } = gaugeOf();
    advance(1000);
    expect(state.looks).toBe(10);
    state.part = 0.5;
    advance(1000);
    expect(state.looks).toBe(10 + 1 + 90);
    gauge.stop();
    advance(1000);
    expect(state.looks).toBe(101);
  });

  test('where memory stays short, garbage is collected: what was only that ends the overload', () => {
    const { state, overload, advance } = gaugeOf();
    state.part = 0.72;
    advance(500);
    expect(overload.level).toBe(2);
    expect(state.collections).toEqual([]);
    advance(200);
    expect(state.collections).toHaveLength(1);
    expect(overload.level).toBe(0);
  });

  test('where that frees nothing, it is done seldom', () => {
    const { state, overload, advance } = gaugeOf();
    state.part = 0.72;
    state.afterCollection = 0.72;
    advance(600_000);
    expect(overload.level).toBe(2);
    expect(state.collections).toHaveLength(13);
  });
});
