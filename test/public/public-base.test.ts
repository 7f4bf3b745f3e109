import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { asAttachment } from "../../src/public/attachment.ts";
import { type PublicPort, publicBase } from "../../src/public/public-base.ts";

function port(isConfigured: boolean, listen: () => Promise<void> = async () => {}) {
  const did: string[] = [];
  const one: PublicPort = {
    isConfigured,
    open: async () => {
      did.push("open");
      return "http://127.0.0.1:4321";
    },
    listen: () => {
      did.push("listen");
      return listen();
    },
  };
  return { one, did };
}

describe("where the public port is found", () => {
  it("is what was set, once something of ours listens there", async () => {
    const { one, did } = port(true);
    expect(await publicBase(one, "https://me.example", false)).toBe("https://me.example");
    expect(did).toEqual(["listen"]);
  });

  it("is nowhere where a stranger listens", async () => {
    const stranger = new AppError("configuration", "Another program has the port.");
    const { one } = port(true, () => Promise.reject(stranger));
    await expect(publicBase(one, "https://me.example", true)).rejects.toBe(stranger);
  });

  it("is this machine for whoever works with a provider on it", async () => {
    const { one, did } = port(false);
    expect(await publicBase(one, undefined, true)).toBe("http://127.0.0.1:4321");
    expect(did).toContain("listen");
  });

  it("is not an address to which no port is known", async () => {
    const { one } = port(false);
    expect(await publicBase(one, "https://me.example", true)).toBe("http://127.0.0.1:4321");
  });

  it.each([
    [true, undefined],
    [false, undefined],
    [false, "https://me.example"],
  ])("is refused elsewhere, and nothing listens then (%j, %j)", async (isConfigured, url) => {
    const { one, did } = port(isConfigured);
    await expect(publicBase(one, url, false)).rejects.toMatchObject({
      ...{ code: "configuration", message: "This server has no public address." },
      next: expect.stringContaining("LONGCAT_MCP_PUBLIC_URL"),
    });
    expect(did).toEqual([]);
  });
});

describe("the name under which a browser keeps a file", () => {
  it.each([
    ["fox.png", "fox.png", "fox.png"],
    ["a (1).png", "a (1).png", "a%20%281%29.png"],
    ['a"; x="b', "a__ x=_b".replace("=", "_"), "a%22%3B%20x%3D%22b"],
    ["füchse.png", "f_chse.png", "f%C3%BCchse.png"],
    ["it's*.png", "it_s_.png", "it%27s%2A.png"],
    ["a\r\nX-Other: 1", "a__X-Other_ 1", "a%0D%0AX-Other%3A%201"],
    ["../../etc/passwd", ".._.._etc_passwd", "..%2F..%2Fetc%2Fpasswd"],
  ])("%j stands in its header as it can", (name, plain, encoded) => {
    expect(asAttachment(name)).toBe(`attachment; filename="${plain}"; filename*=UTF-8''${encoded}`);
  });

  it("is whole whatever is in it, half a character included", () => {
    const header = asAttachment("a\ud800b.png");
    expect(header).toMatch(/^attachment; filename="[\x20-\x7e]*"; filename\*=UTF-8''[\x21-\x7e]*$/);
  });
});
