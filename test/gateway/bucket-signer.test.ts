import { describe, expect, it } from "vitest";
import type { BucketAddress } from "../../src/core/bucket-address.ts";
import { BucketSigner, NOTHING_SHA256 } from "../../src/gateway/bucket-signer.ts";

/* Known answers: the examples of the provider's own page on signatures.
   https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */

const ADDRESS: BucketAddress = {
  bucket: "examplebucket",
  prefix: "",
  endpoint: "https://s3.amazonaws.com",
  publicEndpoint: "https://s3.amazonaws.com",
  region: "us-east-1",
  style: "virtual",
};
const KEYS = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  sessionToken: undefined,
};
const NOW = Date.parse("2013-05-24T00:00:00Z");

const signer = (change: Partial<BucketAddress> = {}, sessionToken?: string) =>
  new BucketSigner({ ...ADDRESS, ...change }, { ...KEYS, sessionToken });

describe("a signed request", () => {
  it("has the signature of the documented list", async () => {
    const query = { "max-keys": "2", prefix: "J" };
    const signed = await signer().sign({ method: "GET", query, sha256: NOTHING_SHA256 }, NOW);
    expect(signed.url.href).toBe("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J");
    expect(signed.headers["authorization"]).toMatch(
      /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7$/,
    );
  });

  it("puts the bucket into the path, and keeps folders of the endpoint", async () => {
    const place = { endpoint: "https://x.example/storage/v1/s3", style: "path" } as const;
    const request = { method: "PUT", key: "a/b c+d é.png", sha256: NOTHING_SHA256 } as const;
    const { url } = await signer(place).sign(request, NOW);
    expect(url.href).toBe("https://x.example/storage/v1/s3/examplebucket/a/b%20c%2Bd%20%C3%A9.png");
  });

  it("never has the secret in it, and a lent token only where it belongs", async () => {
    const request = { method: "GET", key: "a", sha256: NOTHING_SHA256 } as const;
    const { url, headers } = await signer({}, "lent-token").sign(request, NOW);
    expect(JSON.stringify([url.href, headers])).not.toContain(KEYS.secretAccessKey);
    expect(headers["x-amz-security-token"]).toBe("lent-token");
    expect(url.href).not.toContain("lent-token");
  });

  it("is another one on another day", async () => {
    const own = signer();
    const request = { method: "GET", key: "a", sha256: NOTHING_SHA256 } as const;
    const days = [NOW, NOW + 86_400_000, NOW];
    const signed = await Promise.all(days.map((now) => own.sign(request, now)));
    const [one, two, three] = signed.map(({ headers }) => headers["authorization"]);
    expect(one).not.toBe(two);
    expect(one).toBe(three);
  });
});

describe("a link", () => {
  it("has the signature of the documented one", async () => {
    const link = await signer().link(
      { method: "GET", key: "test.txt", query: {}, seconds: 86_400 },
      NOW,
    );
    const url = new URL(link);
    expect(url.origin + url.pathname).toBe("https://examplebucket.s3.amazonaws.com/test.txt");
    expect(url.searchParams.get("X-Amz-Expires")).toBe("86400");
    expect(url.searchParams.get("X-Amz-Signature")).toBe(
      "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    );
  });

  it("leads to the endpoint that others reach, with blanks that every server takes for blanks", async () => {
    const own = signer({ publicEndpoint: "https://files.example.com", style: "path" });
    const query = { "response-content-disposition": 'attachment; filename="a b+c.png"' };
    const link = await own.link({ method: "GET", key: "a.png", query, seconds: 60 }, NOW);
    expect(link.startsWith(`${own.linkBase("a.png")}?`)).toBe(true);
    expect(link).toContain("https://files.example.com/examplebucket/a.png?");
    expect(link).toContain("filename%3D%22a%20b%2Bc.png%22");
    expect(link).not.toContain("+");
  });
});
