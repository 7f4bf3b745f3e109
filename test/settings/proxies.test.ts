// biome-ignore-all lint/suspicious/noTemplateCurlyInString: hosts leave such values behind
import { describe, expect, it } from "vitest";
import { check } from "../support/settings.ts";

describe("proxies", () => {
  const read = (env: Record<string, string>) => {
    const { settings, problems } = check(env);
    return { https: settings.proxies.httpsProxy, http: settings.proxies.httpProxy, problems };
  };

  it.each([
    ["http://proxy.example:8080", "http://proxy.example:8080"],
    ["proxy.example:8080", "http://proxy.example:8080"],
    ["proxy.example", "http://proxy.example:1080"],
    ["http://proxy.example", "http://proxy.example:1080"],
    ["http://proxy.example:80", "http://proxy.example:80"],
    ["https://proxy.example", "https://proxy.example:443"],
    ["http://proxy.example:8080/some/path", "http://proxy.example:8080"],
    ["user:word@proxy.example:3128", "http://user:word@proxy.example:3128"],
    ["http://user:100%@proxy.example:1", "http://user:100%25@proxy.example:1"],
    ["[2001:db8::1]:8080", "http://[2001:db8::1]:8080"],
    ["192.0.2.1:8080", "http://192.0.2.1:8080"],
    [` "http://proxy.example:8080" `, "http://proxy.example:8080"],
  ])("%s is read as %s", (value, address) => {
    expect(read({ HTTPS_PROXY: value })).toEqual({ https: address, http: undefined, problems: [] });
    expect(read({ http_proxy: value })).toEqual({ https: undefined, http: address, problems: [] });
    expect(read({ ALL_PROXY: value })).toEqual({ https: address, http: address, problems: [] });
  });

  it("are named in lower case first, and for one scheme before for all", () => {
    const named = { https_proxy: "a:1", HTTPS_PROXY: "b:2", all_proxy: "c:3", ALL_PROXY: "d:4" };
    expect(read(named)).toMatchObject({ https: "http://a:1", http: "http://c:3" });
    expect(read({ ...named, https_proxy: "" })).toMatchObject({ https: "http://b:2" });
  });

  it.each([
    "http://user:secret-word@",
    "http://user:secret-word@proxy.example:99999",
    "http://user:secret-word@a b",
    "ftp://user:secret-word@proxy.example",
    "socks5://user:secret-word@proxy.example:1080",
    "socks5h://user:secret-word@proxy.example",
    "${PROXY}",
    "://",
    "proxy.example:port",
  ])("%s cannot be read, and is not shown", (value) => {
    for (const name of ["HTTPS_PROXY", "http_proxy", "all_proxy"]) {
      const { problems } = read({ [name]: value });
      expect(problems).toEqual([expect.stringMatching(new RegExp(`^${name} (?:names|is not)`))]);
      expect(problems[0]).not.toContain("secret-word");
    }
  });

  it("that nothing goes through may be anything", () => {
    const named = { ALL_PROXY: "socks5://a", HTTP_PROXY: "b:1", HTTPS_PROXY: "b:1" };
    expect(read(named).problems).toEqual([]);
  });
});
