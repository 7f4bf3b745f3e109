// biome-ignore-all lint/suspicious/noTemplateCurlyInString: hosts leave such values behind
import { describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { SETTINGS, type SettingSpec } from "../../src/settings/specs.ts";
import { check } from "../support/settings.ts";

const specs: readonly SettingSpec[] = Object.values(SETTINGS);

const FOLDERS = specs.filter(({ folder }) => folder !== undefined).map(({ env }) => env);

/** Those of buckets mean nothing without one: test/settings/bucket-settings.test.ts. */
const KEYS = specs
  .filter(({ secret, onlyWith, guardsMoney }) => secret && !onlyWith && !guardsMoney)
  .map(({ env }) => env);

const OTHERS = specs
  .filter(({ secret, folder, guardsMoney }) => (!secret || guardsMoney) && !folder)
  .map(({ env }) => env);

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

describe("the address of a database, without which jobs are recorded somewhere else,", () => {
  const NAME = "LONGCAT_MCP_DATABASE_URL";

  it.each([
    "postgres://ann:gr%C3%BC%C3%9F@db.example/jobs",
    "postgres://ann:%E2%82%AC%aa%bb@db.example/jobs",
    "postgres://ann:word@db.example/here",
  ])("is no placeholder, whatever it looks like: %s", (url) => {
    const { settings, problems, notes } = check({ [NAME]: url });
    expect({ url: settings.database?.url, problems, notes }).toEqual({
      ...{ url, problems: [], notes: [] },
    });
  });

  it.each([
    "postgres://%USER%:word@db.example/jobs",
    "postgres://ann:%DATABASE%@db.example/jobs",
    "postgres://ann:${PASSWORD}@db.example/jobs",
    "%DATABASE_URL%",
  ])("is wrong, and shown nowhere, where its host has filled it in by half: %s", (url) => {
    expect(check({ [NAME]: url }).problems).toEqual([
      `${NAME} holds a placeholder, which its host has not filled in.`,
    ]);
  });

  it.each([
    ["/home/a/empty", /names \/home\/a\/empty, which is empty/],
    ["/gone", /names \/gone, which cannot be read/],
    ["${SECRETS}/url", /has not filled in/],
  ])("is wrong where the file %s has none", (file, reason) => {
    expect(check({ [`${NAME}_FILE`]: file }).problems).toEqual([expect.stringMatching(reason)]);
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

describe("a default", () => {
  const withDefault = specs.flatMap((spec) =>
    spec.default === undefined ? [] : [{ env: spec.env, shown: spec.default }],
  );

  it.each(withDefault)("of $env is what it says: $shown", ({ env, shown }) => {
    expect(check({ [env]: shown })).toEqual(check({}));
  });

  it("holds where a value is wrong, beside the problem", () => {
    const { settings, problems } = check({ LONGCAT_MCP_MAX_WAIT_SECONDS: "soon" });
    expect(problems).toHaveLength(1);
    expect(settings).toEqual(check({}).settings);
  });
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

it.each([
  ["http://files.example", undefined, /https address/],
  ["http://10.0.0.1", "http://127.0.0.1:4010", /https address/],
  ["http://10.0.0.1", undefined, /can reach/],
  ["http://127.0.0.1:4011", undefined, /can reach/],
  ["http://127.0.0.1:4011", "http://127.0.0.1:4010", undefined],
  ["https://files.example/pre/fix", undefined, undefined],
])("the public address %s, with the gateway %s", (publicUrl, gateway, words) => {
  const { problems } = check({
    LONGCAT_MCP_PUBLIC_URL: publicUrl,
    ...(gateway === undefined ? {} : { PIXAZO_BASE_URL: gateway }),
  });
  if (words) expect(problems.join()).toMatch(words);
  else expect(problems).toEqual([]);
});
