import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { processesOf } from './program.ts';

/** What becomes of what one party sends to another: it passes, waits until it may pass, or its connections are reset. */
export type Way = 'open' | 'silent' | 'refused';

interface Party {
  readonly name: string;
  /** The group of its processes; 0: none. */
  group(): number;
}

/** Known processes of groups are looked for again after this time, in milliseconds. */
const PROCESSES_MS = 300;

/** The connections of parties, which are groups of processes, to one another: each through a proxy here, where it can be cut and slowed. */
export class Network {
  readonly #parties: readonly Party[];
  readonly #servers: Server[] = [];
  readonly #links = new Set<ProxiedLink>();
  /** By `FROM>TO`; open where nothing is said. */
  readonly #ways = new Map<string, Way>();
  readonly #delays = new Map<string, number>();
  #processes: { readonly atMs: number; readonly byPid: ReadonlyMap<number, string> } | null = null;

  constructor(parties: readonly Party[]) {
    this.#parties = parties;
  }

  /** Has what comes to a port reach a party at another one. @param port - 0: any that is free. @returns it */
  async open(port: number, to: string, targetPort: number): Promise<number> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      socket.on('error', () => {});
      const from = this.#whoDialed(socket);
      if (from === null) {
        socket.resetAndDestroy();
        return;
      }
      const link = new ProxiedLink(socket, from, to, targetPort, () => this.#links.delete(link));
      this.#links.add(link);
      this.#apply(link);
    });
    this.#servers.push(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** Says what becomes of what one party sends to another, from now on. */
  set(from: string, to: string, way: Way): void {
    this.#ways.set(`${from}>${to}`, way);
    for (const link of [...this.#links]) this.#apply(link);
  }

  /** Slows down what one party sends to another, by milliseconds. */
  delay(from: string, to: string, ms: number): void {
    this.#delays.set(`${from}>${to}`, ms);
    for (const link of [...this.#links]) this.#apply(link);
  }

  /** Everything passes, at once. */
  heal(): void {
    this.#ways.clear();
    this.#delays.clear();
    for (const link of [...this.#links]) this.#apply(link);
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const link of [...this.#links]) link.reset();
  }

  #apply(link: ProxiedLink): void {
    const { from, to } = link;
    link.apply(
      { way: this.#wayOf(from, to), delayMs: this.#delays.get(`${from}>${to}`) ?? 0 },
      { way: this.#wayOf(to, from), delayMs: this.#delays.get(`${to}>${from}`) ?? 0 },
    );
  }

  #wayOf(from: string, to: string): Way {
    return from === to ? 'open' : (this.#ways.get(`${from}>${to}`) ?? 'open');
  }

  /** Whose process has the other end of a connection; null: nobody's any more. */
  #whoDialed(socket: Socket): string | null {
    const inode = inodeOf(socket.remotePort ?? 0, socket.localPort ?? 0);
    if (inode === null) return null;
    for (const isFresh of [false, true]) {
      for (const [pid, name] of this.#processesByParty(isFresh)) {
        if (hasSocket(pid, inode)) return name;
      }
    }
    return null;
  }

  #processesByParty(isFresh: boolean): ReadonlyMap<number, string> {
    const nowMs = performance.now();
    if (!isFresh && this.#processes !== null && nowMs - this.#processes.atMs < PROCESSES_MS) {
      return this.#processes.byPid;
    }
    const byPid = new Map<number, string>();
    for (const { name, group } of this.#parties) {
      if (group() !== 0) for (const pid of processesOf(group())) byPid.set(pid, name);
    }
    this.#processes = { atMs: nowMs, byPid };
    return byPid;
  }
}

interface Rule {
  readonly way: Way;
  readonly delayMs: number;
}

/** A connection through the proxy: of one party to another. */
class ProxiedLink {
  readonly from: string;
  readonly to: string;
  readonly #targetPort: number;
  readonly #near: Socket;
  readonly #onClosed: () => void;
  #far: Socket | null = null;
  #there: Lane | null = null;
  #back: Lane | null = null;

  constructor(near: Socket, from: string, to: string, targetPort: number, onClosed: () => void) {
    this.from = from;
    this.to = to;
    this.#near = near;
    this.#targetPort = targetPort;
    this.#onClosed = onClosed;
    near.setNoDelay(true);
    near.on('close', () => this.reset());
  }

  /** @param there - for what is sent by who dialed; `back`: for the other direction */
  apply(there: Rule, back: Rule): void {
    if (there.way === 'refused' || back.way === 'refused') {
      this.reset();
      return;
    }
    // Without one direction no connection begins.
    if (this.#far === null && there.way === 'open' && back.way === 'open') this.#connect();
    this.#there?.apply(there);
    this.#back?.apply(back);
  }

  reset(): void {
    this.#near.destroy();
    this.#far?.destroy();
    this.#onClosed();
  }

  #connect(): void {
    const far = connect({
      port: this.#targetPort,
      host: '127.0.0.1',
      noDelay: true,
      allowHalfOpen: true,
    });
    this.#far = far;
    far.on('error', () => {});
    far.on('close', () => this.reset());
    this.#there = new Lane(this.#near, far);
    this.#back = new Lane(far, this.#near);
  }
}

/** One direction of a connection. */
class Lane {
  readonly #source: Socket;
  readonly #target: Socket;
  #isSilent = false;
  #isFull = false;
  #delayMs = 0;

  constructor(source: Socket, target: Socket) {
    this.#source = source;
    this.#target = target;
    source.on('data', (chunk) => this.#later(() => this.#pass(chunk)));
    source.on('end', () => this.#later(() => target.end()));
    source.resume();
  }

  apply({ way, delayMs }: Rule): void {
    this.#isSilent = way === 'silent';
    this.#delayMs = delayMs;
    this.#steer();
  }

  /** In the order of calls, as the delay is only changed while little is under way. */
  #later(act: () => void): void {
    if (this.#delayMs === 0) act();
    else setTimeout(act, this.#delayMs);
  }

  #pass(chunk: Buffer): void {
    if (this.#target.destroyed || this.#target.write(chunk)) return;
    this.#isFull = true;
    this.#target.once('drain', () => {
      this.#isFull = false;
      this.#steer();
    });
    this.#steer();
  }

  #steer(): void {
    if (this.#isSilent || this.#isFull) this.#source.pause();
    else this.#source.resume();
  }
}

/** The number that the system has for a socket of this machine, by its port and the one that it is connected to. */
function inodeOf(port: number, peerPort: number): string | null {
  const hex = (number: number) => number.toString(16).toUpperCase().padStart(4, '0');
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    if (local?.endsWith(`:${hex(port)}`) && remote?.endsWith(`:${hex(peerPort)}`)) {
      return inode ?? null;
    }
  }
  return null;
}

function hasSocket(pid: number, inode: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((name) => {
      try {
        return readlinkSync(`${folder}/${name}`) === `socket:[${inode}]`;
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}
