import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, open, readdir, rename, rm, symlink, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LogError } from '../ports/log-error.ts';
import { askFile, FILE_CLAIM, FileClaim, PREPARED_FILE_CLAIM } from './file-claim.ts';

/*
 * A process that wants a directory puts a socket into it that it listens on, `lock-<id>.sock`, its claim. The system
 * closes the socket with the process, however that ends; and unlike a process id, it means the same inside and
 * outside of a container. Then it lists the claims of others. It holds the directory when each of them was gone:
 * nobody listens on it any more, or it has been withdrawn.
 *
 * Only one holds it. Suppose that A and B do, with B's claim the later one. B listed the claims after that, so it found
 * A's, and found it gone. But a claim is never seen without somebody listening on it: it gets its name, by a rename,
 * when that is so. And none gets a name that another one had. So A has ended, or has given the directory back.
 *
 * One of them gets it. Of two claims that see each other, the one with the greater id is withdrawn, and its process
 * waits to learn who has won. Who isn't withdrawn only waits for greater ones, so that no two wait for each other.
 *
 * Where a directory can't hold sockets, as on FAT, SMB or what a virtual machine shares with its host, the claim is a file
 * that names its process; see file-claim.ts. All the rest is the same.
 *
 * A claim is only taken for gone when connecting to it is refused, or its file isn't there. A connection that is closed
 * without an answer says nothing: a process that has no descriptor left does that. It is asked again. (Other systems than
 * Linux refuse, too, when more are waiting for an answer than a socket's backlog has room for: 128 on macOS.)
 */

/** Claims; `lock.sock` is what a former version had in their place. */
const CLAIM = /^lock(-[0-9a-f]{16})?\.sock$/;
/** Those that have not been listened on yet, or were never completed. */
const PREPARED = /^lock-[0-9a-f]{16}\.new$/;

/** Longest path of a Unix domain socket that every system takes, in bytes. */
const SOCKET_PATH_BYTES_MAX = 103;
/** The longest name of a claim, with a separator before it. */
const CLAIM_NAME_SIZE = 27;

/** How often a process that listens is asked when it doesn't answer, and milliseconds between. */
const ASK_ATTEMPTS_MAX = 100;
const ASK_INTERVAL_MS = 20;

/** How often a pipe that nobody answers on is tried to be taken. */
const PIPE_ATTEMPTS_MAX = 5;

/**
 * Keeps other processes, and other parts of this one, out of a directory.
 *
 * @param reach - how sockets in a directory are reached whose path is too long for them
 * @param hasSockets - whether the directory is tried to hold sockets
 * @returns gives the directory back
 * @throws {LogError} `locked`, with the process that holds it; the system's error when that can't be found out
 */
export async function lockDirectory(
  directory: string,
  reach: Reach = process.platform === 'linux' ? reachByDescriptor : reachBySymlink,
  hasSockets = true,
): Promise<() => Promise<void>> {
  const absolute = resolve(directory);
  if (process.platform === 'win32') return lockPipe(directory, absolute);
  const isLong = Buffer.byteLength(absolute) + CLAIM_NAME_SIZE > SOCKET_PATH_BYTES_MAX;
  const { path, release } = isLong ? await reach(absolute) : AS_IT_IS(absolute);
  try {
    for (;;) {
      const claim = await publish(absolute, path, hasSockets);
      try {
        if (await isOnlyOne(claim, directory, absolute, path)) {
          await removePrepared(absolute, path);
          await claim.hold();
          return () => claim.withdraw();
        }
      } catch (error) {
        await claim.withdraw();
        throw error;
      }
    }
  } catch (error) {
    throw inPlainWords(error, directory);
  } finally {
    await release();
  }
}

/** What says that nothing can be made in a directory, whatever it is. */
const NOT_WRITABLE: readonly unknown[] = ['EROFS', 'EACCES', 'EPERM'];

/** What says something else than that a directory can't hold sockets. */
const OTHER_REASONS: readonly unknown[] = [
  ...[
    'EROFS',
    'EACCES',
    'ENOENT',
    'ENOTDIR',
    'ENOSPC',
    'EDQUOT',
    'EIO',
    'EMFILE',
    'ENFILE',
    'ELOOP',
  ],
];

async function publish(
  absolute: string,
  path: string,
  hasSockets: boolean,
): Promise<Claim | FileClaim> {
  if (!hasSockets) return FileClaim.publish(absolute);
  try {
    return await Claim.publish(absolute, path);
  } catch (error) {
    if (OTHER_REASONS.includes((error as NodeJS.ErrnoException).code)) throw error;
    return FileClaim.publish(absolute);
  }
}

function inPlainWords(error: unknown, directory: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || !NOT_WRITABLE.includes(code)) return error;
  const user = process.getuid?.();
  const who = user === undefined ? 'this user' : `user ${user}`;
  const plain = new Error(
    `${directory} has to be a folder in which ${who} may make files: ${message}`,
    { cause: error },
  );
  return Object.assign(plain, { code, path: directory });
}

/**
 * Whether no other claim is left; false when this one was withdrawn for another, which is gone now.
 *
 * @throws {LogError} `locked` when another process holds the directory
 */
async function isOnlyOne(
  claim: Claim | FileClaim,
  directory: string,
  absolute: string,
  path: string,
): Promise<boolean> {
  const others = (await readdir(absolute)).filter(
    (name) => (CLAIM.test(name) || FILE_CLAIM.test(name)) && name !== claim.name,
  );
  for (const other of others) {
    const isFirst = other < claim.name;
    for (let attempt = 1; ; attempt++) {
      const { isAlive, answer } = FILE_CLAIM.test(other)
        ? await askFile(join(absolute, other))
        : ask(join(path, other));
      if (!(await isAlive)) break;
      if (isFirst) await claim.withdraw();
      const holder = await answer;
      if (holder !== '') {
        throw new LogError('locked', `${directory} is in use by process ${holder}; stop it first`);
      }
      if (attempt === ASK_ATTEMPTS_MAX) {
        throw new LogError('locked', `${directory} is in use by a process that doesn't answer`);
      }
      await new Promise((done) => setTimeout(done, ASK_INTERVAL_MS));
    }
    await remove(join(absolute, other));
    if (claim.isWithdrawn) return false;
  }
  return true;
}

/** Removes what processes left that ended in the middle. Who is just about to listen makes another one. */
async function removePrepared(absolute: string, path: string): Promise<void> {
  for (const name of await readdir(absolute)) {
    // Who is just about to rename one makes another, too.
    if (PREPARED_FILE_CLAIM.test(name)) await remove(join(absolute, name));
    if (!PREPARED.test(name)) continue;
    const { isAlive, hangUp } = ask(join(path, name));
    if (!(await isAlive)) await remove(join(absolute, name));
    hangUp();
  }
}

/**
 * Removes a claim, if it is there. Not by `rm`, which looks at it first: Node finds modules by what the last plain stat has
 * left, and after one of a socket, `import()` doesn't follow links.
 */
async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** A socket in the directory. Who connects is sent the process that holds it, once that is known. */
class Claim {
  readonly name: string;
  isWithdrawn: boolean;
  readonly #path: string;
  readonly #server: Server;
  readonly #waiting: Set<Socket>;
  #isHeld: boolean;

  private constructor(name: string, path: string, server: Server) {
    this.name = name;
    this.isWithdrawn = false;
    this.#path = path;
    this.#server = server;
    this.#waiting = new Set();
    this.#isHeld = false;
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => {});
      socket.on('close', () => this.#waiting.delete(socket));
      if (this.#isHeld) this.#answer(socket);
      else this.#waiting.add(socket);
    });
  }

  static async publish(absolute: string, path: string): Promise<Claim> {
    for (;;) {
      const id = randomBytes(8).toString('hex');
      const prepared = `lock-${id}.new`;
      const name = `lock-${id}.sock`;
      const claim = new Claim(name, join(absolute, name), await listen(join(path, prepared)));
      try {
        // A socket that can be made, and not connected to, is none.
        await reachOnce(join(path, prepared));
        // Others can't have the directory, and needn't know who has.
        await chmod(join(absolute, prepared), 0o600).catch(() => {});
        await rename(join(absolute, prepared), join(absolute, name));
        return claim;
      } catch (error) {
        await claim.withdraw();
        // Another process took it for left over.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }

  async hold(): Promise<void> {
    this.#isHeld = true;
    for (const socket of this.#waiting) this.#answer(socket);
  }

  #answer(socket: Socket): void {
    // The process id, and nothing else.
    socket.end(`${process.pid}`);
  }

  async withdraw(): Promise<void> {
    if (this.isWithdrawn) return;
    this.isWithdrawn = true;
    await remove(this.#path);
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const socket of this.#waiting) socket.destroy();
    await closed;
  }
}

/** Connects to a socket that is listened on. @throws the system's error, when that can't be done */
function reachOnce(path: string): Promise<void> {
  return new Promise((done, fail) => {
    const socket = connect(path, () => {
      socket.destroy();
      done();
    });
    socket.on('error', fail);
  });
}

/** @throws the system's error, `EADDRINUSE` when somebody listens there */
function listen(path: string): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on('error', fail);
    // Not shared with other workers of a cluster: each is a process.
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      done(server);
    });
  });
}

/** The last ones: where sockets can't be, none is listened on. */
const NOBODY_LISTENS: readonly unknown[] = [
  ...['ECONNREFUSED', 'ENOENT', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENXIO', 'ENOSYS'],
];

/**
 * Connects to a socket.
 *
 * @returns whether anybody listens there, and then what was answered, if anything
 */
function ask(path: string): {
  readonly isAlive: Promise<boolean>;
  readonly answer: Promise<string>;
  readonly hangUp: () => void;
} {
  const socket = connect(path);
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (more) => {
    text += more;
  });
  const answer = new Promise<string>((done) => {
    socket.on('close', () => done(text));
  });
  const isAlive = new Promise<boolean>((done, fail) => {
    socket.on('connect', () => done(true));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (NOBODY_LISTENS.includes(error.code)) done(false);
      // Too many are asking; or it has been closed just now, and is asked again.
      else if (error.code === 'EAGAIN' || error.code === 'ECONNRESET') done(true);
      else fail(error);
    });
  });
  return { isAlive, answer, hangUp: () => socket.destroy() };
}

// ------------------------------------------------------------------------- long paths

/** Another path to a directory, short enough for sockets in it, until it is released. */
export interface ShortPath {
  readonly path: string;
  readonly release: () => Promise<void>;
}

export type Reach = (directory: string) => Promise<ShortPath>;

const AS_IT_IS = (path: string): ShortPath => ({ path, release: async () => {} });

/** Linux: a descriptor of the directory has a path of its own, which is this process's alone. */
export const reachByDescriptor: Reach = async (directory) => {
  const handle = await open(directory, 'r');
  return { path: `/proc/self/fd/${handle.fd}`, release: () => handle.close() };
};

/** A link to the directory. It may be where other processes don't see it: the sockets aren't. */
export const reachBySymlink: Reach = async (directory) => {
  const isShort = Buffer.byteLength(tmpdir()) + 2 * CLAIM_NAME_SIZE < SOCKET_PATH_BYTES_MAX;
  const folder = await mkdtemp(join(isShort ? tmpdir() : '/tmp', 'promptmq-'));
  const path = join(folder, 'd');
  await symlink(directory, path);
  return { path, release: () => rm(folder, { recursive: true }) };
};

// ---------------------------------------------------------------------------- Windows

/** A pipe of the directory's name: the system lets only one process make it, and removes it with that process. */
async function lockPipe(directory: string, absolute: string): Promise<() => Promise<void>> {
  const hash = createHash('sha256').update(absolute).digest('hex').slice(0, 32);
  const path = `\\\\.\\pipe\\promptmq-${hash}`;
  for (let attempt = 0; attempt < PIPE_ATTEMPTS_MAX; attempt++) {
    const server = await listen(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return null;
      throw error;
    });
    if (server !== null) {
      server.on('connection', (socket: Socket) => {
        socket.on('error', () => {});
        socket.end(`${process.pid}`);
      });
      return () => new Promise((done) => server.close(() => done()));
    }
    const { isAlive, answer } = ask(path);
    const holder = (await isAlive) ? await answer : '';
    if (holder !== '') {
      throw new LogError('locked', `${directory} is in use by process ${holder}; stop it first`);
    }
  }
  throw new LogError('locked', `${directory}: other processes are taking its lock just now`);
}
