import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { onTestFinished } from "vitest";

type Key = Awaited<ReturnType<typeof generateKeyPair>>;

/** Making one takes long, and nobody changes it. */
const RSA_KEYS = Array.from({ length: 2 }, () => lazy(() => newKey("RS256")));

function newKey(alg: string): Promise<Key> {
  return generateKeyPair(alg, { extractable: true });
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** An issuer of tokens on loopback, until the test ends. */
export class Issuer {
  readonly url: string;
  /** Every path that it was asked for. */
  readonly asked: string[] = [];
  isDown = false;
  #made = 0;
  readonly #keys = new Map<string, Key>();
  /** What its keys are said to be; those that it has, unless a test says otherwise. */
  published: unknown;

  private constructor(url: string) {
    this.url = url;
  }

  static async open(path = ""): Promise<Issuer> {
    const server = createServer(async (request, reply) => {
      issuer.asked.push(request.url ?? "");
      if (issuer.isDown) return void request.socket.destroy();
      const document = await issuer.#document(request.url ?? "");
      reply.writeHead(document ? 200 : 404, { "content-type": "application/json" });
      reply.end(JSON.stringify(document ?? {}));
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const issuer = new Issuer(`http://127.0.0.1:${port}${path}`);
    await issuer.addKey("rs", "RS256");
    return issuer;
  }

  async addKey(kid: string, alg: string): Promise<Key> {
    const rsa = alg === "RS256" ? RSA_KEYS[this.#made++] : undefined;
    const key = await (rsa?.() ?? newKey(alg));
    this.#keys.set(kid, key);
    return key;
  }

  dropKey(kid: string): void {
    this.#keys.delete(kid);
  }

  async publicKeys() {
    return Promise.all(
      [...this.#keys].map(async ([kid, { publicKey }]) => ({
        ...(await exportJWK(publicKey)),
        kid,
      })),
    );
  }

  /** A token of one of the keys. */
  async token(
    claims: JWTPayload,
    header: Record<string, unknown> = {},
    kid = "rs",
    alg = "RS256",
  ): Promise<string> {
    const key = this.#keys.get(kid);
    if (!key) throw new Error(`there is no key ${kid}`);
    return new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(key.privateKey);
  }

  async #document(path: string): Promise<unknown> {
    if (path.endsWith("/keys")) return this.published ?? { keys: await this.publicKeys() };
    return path.includes("/.well-known/oauth-authorization-server")
      ? { issuer: this.url, jwks_uri: `${this.url}/keys` }
      : undefined;
  }
}
