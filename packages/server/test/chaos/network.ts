import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { processGroups } from './program.ts';

/** What becomes of what one party sends to another: it passes, waits until it may pass, or its connections are reset. */
export type Way = 'open' | 'silent' | 'refused';

interface Party {
  readonly name: string;
  /** The group of its processes; 0: none. */
  group(): number;
}

/** Who dials while something is cut waits for so long to be known, together with others, in milliseconds. */
const KNOWING_MS = 50;

/** The connections of parties, which are groups of processes, to one another: each through a proxy here, where it can be cut and slowed. */
export class Network {
  readonly #parties: readonly Party[];
  readonly #servers: Server[] = [];
  readonly #links = new Set<ProxiedLink>();
  /** By `FROM>TO`; open where nothing is said. */
  readonly #ways = new Map<string, Way>();
  readonly #delays = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(parties: readonly Party[]) {
    this.#parties = parties;
  }

  /**
   * Has what comes to a port reach a party at another one.
   *
   * @param port - 0: any that is free
   * @param from - the party that alone knows the port; null: whose process has dialed is looked for when it matters
   * @returns the port
   */
  async open(
    port: number,
    to: string,
    targetPort: number,
    from: string | null = null,
  ): Promise<number> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      socket.on('error', () => {});
      const link = new ProxiedLink(socket, from, to, targetPort, () => this.#links.delete(link));
      this.#links.add(link);
      if (from !== null || this.#isOpen) this.#apply(link);
      else this.#timer ??= setTimeout(() => this.#applyToAll(), KNOWING_MS);
    });
    this.#servers.push(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** Says what becomes of what one party sends to another, from now on. */
  set(from: string, to: string, way: Way): void {
    this.#ways.set(`${from}>${to}`, way);
    this.#applyToAll();
  }

  /** Slows down what one party sends to another, by milliseconds. */
  delay(from: string, to: string, ms: number): void {
    this.#delays.set(`${from}>${to}`, ms);
    this.#applyToAll();
  }

  /** Everything passes, at once. */
  heal(): void {
    this.#ways.clear();
    this.#delays.clear();
    this.#applyToAll();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const server of this.#servers) server.close();
    for (const link of [...this.#links]) link.reset();
  }

  get #isOpen(): boolean {
    return this.#ways.size + this.#delays.size === 0;
  }

  #applyToAll(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#isOpen) this.#know();
    for (const link of [...this.#links]) this.#apply(link);
  }

  #apply(link: ProxiedLink): void {
    const { from, to } = link;
    link.apply(this.#rule(from, to), this.#rule(to, from));
  }

  #rule(from: string | null, to: string | null): Rule {
    const key = `${from}>${to}`;
    const way = from === to ? 'open' : this.#ways.get(key);
    return { way: way ?? 'open', delayMs: this.#delays.get(key) ?? 0 };
  }

  /** Finds out whose processes have dialed; nobody's any more: it is over. */
  #know(): void {
    const unknown = [...this.#links].filter(({ from }) => from === null);
    if (unknown.length === 0) return;
    const inodes = inodesByPorts();
    const parties = partiesByInode(this.#parties);
    for (const link of unknown) {
      const from = parties.get(inodes.get(link.ports) ?? '');
      if (from === undefined) link.reset();
      else link.from = from;
    }
  }
}

interface Rule {
  readonly way: Way;
  readonly delayMs: number;
}

/** A connection through the proxy: of one party to another. */
class ProxiedLink {
  /** Null while that isn't known. */
  from: string | null;
  readonly to: string;
  /** Of who dialed, and of the proxy. */
  readonly ports: string;
  readonly #targetPort: number;
  readonly #near: Socket;
  readonly #onClosed: () => void;
  #far: Socket | null = null;
  #there: Lane | null = null;
  #back: Lane | null = null;

  constructor(
    near: Socket,
    from: string | null,
    to: string,
    targetPort: number,
    onClosed: () => void,
  ) {
    this.ports = `${near.remotePort}-${near.localPort}`;
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

/** What the system calls the sockets of this machine, by their port and the one that they are connected to. */
function inodesByPorts(): ReadonlyMap<string, string> {
  const inodes = new Map<string, string>();
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    if (inode !== undefined && inode !== '0')
      inodes.set(`${portOf(local)}-${portOf(remote)}`, inode);
  }
  return inodes;
}

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':')[1] ?? '', 16);
}

/** Whose each socket is. */
function partiesByInode(parties: readonly Party[]): ReadonlyMap<string, string> {
  const byInode = new Map<string, string>();
  const groups = processGroups();
  for (const { name, group } of parties) {
    for (const pid of groups.get(group()) ?? []) {
      for (const inode of socketsOf(pid)) byInode.set(inode, name);
    }
  }
  return byInode;
}

function socketsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  const read = (name: string) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1];
  return namesIn(folder).flatMap((name) => {
    try {
      return read(name) ?? [];
    } catch {
      return [];
    }
  });
}

/** Nothing for a process that has ended. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
