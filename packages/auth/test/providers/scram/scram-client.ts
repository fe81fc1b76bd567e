import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

/** A client's side of SCRAM, made from RFC 5802 alone: it knows nothing of the server's code. */
export class ScramClient {
  readonly #digest: string;
  readonly #password: string;
  readonly #header: string;
  readonly #bare: string;
  #expected: string;

  constructor(
    digest: 'sha256' | 'sha512',
    user: string,
    password: string,
    options: { readonly header?: string; readonly nonce?: string } = {},
  ) {
    this.#digest = digest;
    this.#password = password;
    this.#header = options.header ?? 'n,,';
    const name = user.replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#bare = `n=${name},r=${options.nonce ?? 'fyko+d2lbbFgONRv9qkxdawL'}`;
    this.#expected = '';
  }

  first(): Buffer {
    return Buffer.from(this.#header + this.#bare);
  }

  /** @param change - makes another message of it, without its proof, before that is made */
  final(serverFirst: Uint8Array | undefined, change = (text: string) => text): Buffer {
    const challenge = `${Buffer.from(serverFirst ?? []).toString()}`;
    const fields = new Map(
      challenge.split(',').map((field) => [field.slice(0, 1), field.slice(2)] as const),
    );
    const salt = Buffer.from(`${fields.get('s')}`, 'base64');
    const size = this.#digest === 'sha256' ? 32 : 64;
    const salted = pbkdf2Sync(this.#password, salt, Number(fields.get('i')), size, this.#digest);
    const clientKey = this.#hmac(salted, 'Client Key');
    const storedKey = createHash(this.#digest).update(clientKey).digest();
    const header = Buffer.from(this.#header).toString('base64');
    const message = change(`c=${header},r=${fields.get('r')}`);
    const all = [this.#bare, challenge, message].join();
    const signature = this.#hmac(storedKey, all);
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] as number));
    this.#expected = this.#hmac(this.#hmac(salted, 'Server Key'), all).toString('base64');
    return Buffer.from(`${message},p=${Buffer.from(proof).toString('base64')}`);
  }

  /** Whether the server has proved to know the secret, too. */
  accepts(serverFinal: Uint8Array | undefined): boolean {
    return Buffer.from(serverFinal ?? []).toString() === `v=${this.#expected}`;
  }

  #hmac(key: Uint8Array, data: string): Buffer {
    return createHmac(this.#digest, key).update(data).digest();
  }
}
