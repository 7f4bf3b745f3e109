// biome-ignore-all lint/suspicious/noTemplateCurlyInString: hosts leave such values behind
import { describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { checkSettings } from "../../src/settings/settings.ts";
import { SETTINGS, type SettingSpec } from "../../src/settings/specs.ts";

const specs: readonly SettingSpec[] = Object.values(SETTINGS);
const FOLDERS = specs.filter(({ folder }) => folder !== undefined).map(({ env }) => env);
const KEYS = specs.filter(({ secret }) => secret).map(({ env }) => env);
const OTHERS = specs.filter(({ secret, folder }) => !secret && !folder).map(({ env }) => env);

function check(env: Record<string, string>, platform: NodeJS.Platform = "linux") {
  return checkSettings({
    env: { HOME: "/home/a", ...env },
    flags: {},
    platform,
    workingDir: "/work",
    readFile: (path) => {
      if (path === "/home/a/key") return "'Bearer key-0123456789'\n";
      throw new Error("there is no such file");
    },
    isFolder: (path) => path.startsWith("/there"),
  });
}

describe("a variable that is no setting", () => {
  it.each([
    ["LONGCAT_MCP_BUGDET_USD_PER_DAY", "LONGCAT_MCP_BUDGET_USD_PER_DAY"],
    ["LONGCAT_MCP_BUDGET_PER_DAY_USD", "LONGCAT_MCP_BUDGET_USD_PER_DAY"],
    ["LONGCAT_MCP_BUDGET", "LONGCAT_MCP_BUDGET_USD_PER_DAY"],
    ["LONGCAT_MCP_OUTPUTDIR", "LONGCAT_MCP_OUTPUT_DIR"],
    ["LONGCAT_MCP_PREVIEW", "LONGCAT_MCP_PREVIEWS"],
    ["longcat_mcp_budget_usd_per_day", "LONGCAT_MCP_BUDGET_USD_PER_DAY"],
    ["Longcat_Mcp_Sandbox", "LONGCAT_MCP_SANDBOX"],
    ["LONGCAT-MCP-SANDBOX", "LONGCAT_MCP_SANDBOX"],
    ["LONGCATMCP_DATA_DIR", "LONGCAT_MCP_DATA_DIR"],
    ["LONGCAT_MPC_BUDGET_USD_PER_DAY", "LONGCAT_MCP_BUDGET_USD_PER_DAY"],
    ["LONGCAT_BUDGET_USD_PER_MONTH", "LONGCAT_MCP_BUDGET_USD_PER_MONTH"],
    ["PIXAZO_CONFIRM_ABOVE_USD", "LONGCAT_MCP_CONFIRM_ABOVE_USD"],
    ["MCP_LONGCAT_SANDBOX", "LONGCAT_MCP_SANDBOX"],
  ])("%s is wrong, and %s was meant", (name, meant) => {
    expect(check({ [name]: "1" }).problems).toEqual([
      expect.stringMatching(new RegExp(`^${name} is not .*\\b${meant}\\b`)),
    ]);
  });

  it("is wrong without a guess where nothing is like it", () => {
    expect(check({ LONGCAT_MCP_XYZZY: "1" }).problems).toEqual([
      "LONGCAT_MCP_XYZZY is not a setting; `longcat-mcp --help` lists the settings.",
    ]);
  });

  it.each([
    ["LONGCAT_MCP_XYZZY", ""],
    ["LONGCAT_MCP_XYZZY", "${user_config.xyzzy}"],
    ["LONGCAT_HOME", "/x"],
    ["LONGCAT_PORT", "1"],
    ["PIXAZO_REGION", "eu"],
    ["SANDBOX", "1"],
    ["BUDGET_USD_PER_DAY", "1"],
  ])("%s=%s is nobody's business", (name, value) => {
    expect(check({ [name]: value })).toMatchObject({ problems: [], notes: [] });
  });

  it("has any case on Windows", () => {
    expect(check({ longcat_mcp_sandbox: "1" }, "win32").problems).toEqual([]);
  });

  it.each([
    ["PIXAZO_APIKEY", "apiKey", "PIXAZO_API_KEY"],
    ["PIXAZO_KEY", "apiKey", "PIXAZO_API_KEY"],
    ["PIXAZO_API_TOKEN", "apiKey", "PIXAZO_API_KEY"],
    ["pixazo_api_key", "apiKey", "PIXAZO_API_KEY"],
    ["PIXASO_API_KEY", "apiKey", "PIXAZO_API_KEY"],
    ["LONGCAT_APIKEY", "chatApiKey", "LONGCAT_API_KEY"],
    ["LONGCAT_CHAT_API_KEY", "chatApiKey", "LONGCAT_API_KEY"],
  ] as const)("%s may have been meant as a key that is not set", (name, setting, meant) => {
    const { problems, settings } = check({ [name]: "key-0123456789" });
    expect(problems).toEqual([]);
    expect(settings.strayKeys[setting]).toBe(
      `${name} is set, but is not read: it must be ${meant}.`,
    );
    const other = setting === "apiKey" ? "chatApiKey" : "apiKey";
    expect(settings.strayKeys[other]).toBeUndefined();
    const both = check({ [name]: "key-0123456789", [meant]: "key-9876543210" });
    expect(both.settings.strayKeys[setting]).toBeUndefined();
  });
});

describe("a value that nobody has filled in", () => {
  const LEFT = [
    "${VAR}",
    "${env:VAR}",
    "${input:var}",
    "$(VAR)",
    "%VAR%",
    "$VAR",
    "<value>",
    "{{x}}",
  ];

  it.each(KEYS.flatMap((name) => LEFT.map((value) => [name, value] as const)))(
    "%s=%s is unset, with a word",
    (name, value) => {
      const { problems, notes, settings } = check({ [name]: value });
      expect({ problems, notes }).toEqual({
        problems: [],
        notes: [expect.stringMatching(new RegExp(`^${name} .*counts as unset`))],
      });
      expect([settings.apiKey, settings.chatApiKey]).toEqual([undefined, undefined]);
    },
  );

  it.each(FOLDERS.flatMap((name) => LEFT.map((value) => [name, value] as const)))(
    "%s=%s is unset, with a word",
    (name, value) => {
      const { problems, notes, settings } = check({ [name]: value });
      expect({ problems, notes }).toEqual({
        problems: [],
        notes: [expect.stringMatching(new RegExp(`^${name} .*counts as unset`))],
      });
      expect(settings).toEqual(check({}).settings);
    },
  );

  it.each(OTHERS.flatMap((name) => LEFT.map((value) => [name, value] as const)))(
    "%s=%s is wrong",
    (name, value) => {
      expect(check({ [name]: value }).problems).toEqual([expect.stringContaining(name)]);
    },
  );

  it.each(specs.map(({ env }) => env))(
    "%s is unset where a bundle's field was left empty",
    (name) => {
      const { problems, notes, settings } = check({ [name]: "${user_config.some_field}" });
      expect({ problems, notes }).toEqual({ problems: [], notes: [] });
      expect(settings).toEqual(check({}).settings);
    },
  );

  it.each([
    "your-key",
    "YOUR_API_KEY",
    "YOUR_SUBSCRIPTION_KEY",
    "your-subscription-key",
    "Your API subscription key",
    "yourApiKey",
    "your_key_here",
    "Bearer YOUR_API_KEY",
    "<key>",
    "[key]",
    "sk-...",
    "sk-xxxxxxxx",
    "xxxxxxxx-xxxx",
    "…",
    "changeme",
    "api_key",
    "insert-your-key-here",
    "undefined",
    "null",
  ])("%s is no key", (value) => {
    const { settings, notes } = check({ PIXAZO_API_KEY: value, LONGCAT_API_KEY: value });
    expect([settings.apiKey, settings.chatApiKey]).toEqual([undefined, undefined]);
    expect(notes).toHaveLength(2);
  });

  it.each([
    "0123456789abcdef0123456789abcdef",
    "ak_1Xyour2key",
    "sk-4f9",
    "test-key-1",
    "a.b-c_d~+/=",
  ])("%s is a key", (value) => {
    const { settings, notes } = check({ PIXAZO_API_KEY: value });
    expect({ key: settings.apiKey, notes }).toEqual({ key: value, notes: [] });
  });

  it("leaves the other folders of a list in force", () => {
    const { settings, notes } = check({
      LONGCAT_MCP_INPUT_DIRS: "/there/a:${env:X}:$HOME/b:${HOME}/c:~/d",
    });
    expect(settings.allowedDirs.slice(2)).toEqual([
      "/there/a",
      "/home/a/b",
      "/home/a/c",
      "/home/a/d",
    ]);
    expect(notes.filter((note) => note.includes("filled"))).toHaveLength(1);
  });
});

describe("what stands around a value", () => {
  it.each([`"5"`, `'5'`, ` 5 `, ` " 5 " `, "$5"])("is taken off: %s", (value) => {
    expect(check({ LONGCAT_MCP_BUDGET_USD_PER_DAY: value }).settings.limits.perDayUsd).toBe(5);
  });

  it.each([`""`, `''`, `" "`])("%s is nothing", (value) => {
    expect(check({ LONGCAT_MCP_BUDGET_USD_PER_DAY: value })).toMatchObject({
      settings: { limits: { perDayUsd: undefined } },
      problems: [],
    });
  });

  it("is taken off what a key file holds, whose name may begin at home", () => {
    expect(check({ PIXAZO_API_KEY_FILE: `"~/key"` }).settings.apiKey).toBe("key-0123456789");
  });

  it.each(["two words", "key\u200b", "ключ", "a\nb"])("is no part of a key: %j", (value) => {
    const { problems } = check({ PIXAZO_API_KEY: value });
    expect(problems).toEqual([expect.stringMatching(/^PIXAZO_API_KEY holds/)]);
    expect(problems[0]).not.toContain(value);
  });
});

describe("a folder for input that is not there", () => {
  it.each([
    ["/gone", /names \/gone, which is not a folder\.$/],
    ["/there:/gone", /names \/gone, which is not a folder\.$/],
    ["/gone/a,/gone/b", /not a folder\. Several are separated by ":" here, not by ","\.$/],
    ["/gone/a;/gone/b", /not by ";"\.$/],
    ["/gone/a\n/gone/b", /not by a new line\.$/],
  ])("%j is told of", (value, words) => {
    const { problems, notes } = check({ LONGCAT_MCP_INPUT_DIRS: value });
    expect({ problems, notes }).toEqual({ problems: [], notes: [expect.stringMatching(words)] });
  });
});

describe("addresses", () => {
  it.each([
    "https://gateway.pixazo.ai",
    "HTTPS://Gateway.Pixazo.AI/",
    "https://gateway.pixazo.ai//",
    "https://gateway.pixazo.ai/v2/requests/status",
    "https://gateway.pixazo.ai/v2/requests/status/{request_id}",
    "https://gateway.pixazo.ai/longcat-image-498/v1",
    ...OPERATIONS.flatMap(({ path }) => [
      `https://gateway.pixazo.ai${path}`,
      `https://gateway.pixazo.ai${path}/`,
      `https://gateway.pixazo.ai/${path.split("/")[1]}/v1`,
    ]),
  ])("of the gateway: %s", (value) => {
    expect(check({ PIXAZO_BASE_URL: value })).toMatchObject({
      settings: { baseUrl: "https://gateway.pixazo.ai" },
      problems: [],
    });
  });

  it.each([
    "",
    "/",
    "/openai",
    "/openai/",
    "/openai/v1",
    "/openai/v1/chat/completions",
    "/openai/v1/chat/completions/",
    "/openai/v1/models",
    "/openai/v1/models/{model}",
    "/openai/v1/models/LongCat-2.0-Preview",
    "/anthropic",
    "/anthropic/v1",
    "/anthropic/v1/messages",
    "/anthropic/v1/models",
    "//openai//v1//",
  ])("of the chat platform: %s", (path) => {
    expect(check({ LONGCAT_BASE_URL: `https://api.longcat.chat${path}` })).toMatchObject({
      settings: { chatBaseUrl: "https://api.longcat.chat" },
      problems: [],
    });
  });

  it("of the older status", () => {
    const base = "https://gateway-falai-automate.appypie.workers.dev";
    for (const path of ["", "/", "/longcat-image-request-result"]) {
      expect(check({ PIXAZO_LEGACY_BASE_URL: base + path }).settings.legacyBaseUrl).toBe(base);
    }
  });

  it("keep a path of their own", () => {
    const value = "https://mirror.example/openai-proxy/v1/pixazo";
    expect(check({ PIXAZO_BASE_URL: `${value}/` }).settings.baseUrl).toBe(value);
    expect(check({ LONGCAT_BASE_URL: `${value}/openai/v1` }).settings.chatBaseUrl).toBe(value);
  });

  it.each([
    "gateway",
    "ftp://a.example",
    "https://",
    "https://a.example?x=1",
    "https://a.example/#x",
    "https://user:secret-word@a.example",
  ])("%s is none", (value) => {
    const { problems } = check({ PIXAZO_BASE_URL: value });
    expect(problems).toEqual([expect.stringMatching(/^PIXAZO_BASE_URL must/)]);
    expect(problems[0]).not.toContain("secret-word");
  });

  it.each([
    "http://localhost:8787",
    "http://127.1",
    "http://0x7f.1",
    "https://[::1]",
    "https://[::ffff:10.0.0.1]",
    "https://192.168.1.2",
    "https://10.0.0.1",
    "https://169.254.169.254",
    "https://machine",
    "https://machine.local",
    "https://a.internal.",
  ])("%s is no public address", (value) => {
    const wrong = [
      expect.stringMatching(/^LONGCAT_MCP_PUBLIC_URL must be .* that the provider can/),
    ];
    expect(check({ LONGCAT_MCP_PUBLIC_URL: value }).problems).toEqual(wrong);
    const local = { PIXAZO_BASE_URL: "http://127.0.0.1:4010", LONGCAT_MCP_PUBLIC_URL: value };
    expect(check(local).problems).toEqual([]);
    expect(check({ LONGCAT_MCP_SANDBOX: "1", LONGCAT_MCP_PUBLIC_URL: value }).problems).toEqual([]);
  });

  it("of the public kind are taken", () => {
    expect(check({ LONGCAT_MCP_PUBLIC_URL: "https://files.example.org/x/" })).toMatchObject({
      settings: { publicUrl: "https://files.example.org/x" },
      problems: [],
    });
  });
});

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

describe("a list of prices", () => {
  const problemsOf = (prices: Record<string, unknown>) =>
    check({ LONGCAT_MCP_PRICES: JSON.stringify(prices) }).problems;

  it("may name every operation", () => {
    expect(problemsOf(Object.fromEntries(OPERATIONS.map(({ name }) => [name, 0.01])))).toEqual([]);
    expect(problemsOf({})).toEqual([]);
  });

  it.each([
    ["longcat_image_genrate", "longcat_image_generate"],
    ["Z-Image-Turbo-Generate", "z_image_turbo_generate"],
    ["z_image_turbo", "z_image_turbo_generate"],
  ])("is refused for %s, with the name that was meant", (name, meant) => {
    expect(problemsOf({ [name]: 0.01 })).toEqual([
      expect.stringMatching(
        new RegExp(`^LONGCAT_MCP_PRICES names "${name}".*did you mean "${meant}"`),
      ),
    ]);
  });

  it("is refused for any other name, with those that there are", () => {
    expect(problemsOf({ longcat_chat: 1 })[0]).toMatch(/longcat_image_generate, z_image_turbo/);
    expect(problemsOf({ toString: 1 })[0]).toContain('"toString"');
  });

  it.each([{ z_image_turbo_generate: "1" }, { z_image_turbo_generate: -1 }, [1], 5])(
    "is refused for %j, in one sentence of ours",
    (prices) => {
      const { problems } = check({ LONGCAT_MCP_PRICES: JSON.stringify(prices) });
      expect(problems).toEqual([
        expect.stringMatching(/^LONGCAT_MCP_PRICES must (?:be JSON|not be)/),
      ]);
    },
  );
});

it("everything that is wrong is told, not only the first", () => {
  const { problems } = check({
    LONGCAT_MCP_PREVIEWS: "maybe",
    LONGCAT_MCP_PORT: "x",
    LONGCAT_MCP_BUGDET: "1",
    HTTPS_PROXY: "socks5://a",
    PIXAZO_API_KEY_FILE: "/gone",
    LONGCAT_MCP_PUBLIC_URL: "http://10.0.0.1",
  });
  expect(problems).toHaveLength(6);
});
