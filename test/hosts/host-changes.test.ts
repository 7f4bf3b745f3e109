import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { HOST_NAMES, type HostName } from "../../src/settings/commands.ts";
import {
  FULL,
  type HostHome,
  KEYS,
  LONGCAT,
  openHostHome,
  PIXAZO,
  THEIRS,
} from "../support/host-home.ts";

let at: HostHome;
let home: string;
let said: string[];

beforeEach(async () => {
  at = await openHostHome();
  ({ home, said } = at);
});

const add: HostHome["add"] = (...all) => at.add(...all);
const take: HostHome["take"] = (...all) => at.take(...all);
const given: HostHome["given"] = (...all) => at.given(...all);
const entryOf = (name: HostName) => at.entryOf(name);
const fileOf = (name: HostName) => at.fileOf(name);
const everything = () => at.everything();

describe.each(HOST_NAMES)("%s", (name) => {
  it("gets the server beside what is there, once, and is as it was after that", async () => {
    const path = await given(name, FULL[name]);
    await chmod(path, 0o644);
    const before = await everything();
    await add(name);
    const after = await readFile(path, "utf8");
    const entry = await entryOf(name);
    expect(JSON.stringify(entry)).toContain("/opt/longcat-mcp/dist/cli.js");
    expect(JSON.stringify(entry)).toContain(join(home, "data", "keys", "PIXAZO_API_KEY"));
    // All that was there is there, in its order; what is new lies in one place.
    for (const line of FULL[name].split(/[\r\n,{}]+/)) expect(after).toContain(line.trim());
    const once = await everything();
    await add(name);
    expect(await everything()).toEqual(once);
    expect(said.join("\n")).toContain("has it already");
    await take(name);
    expect(await everything()).toEqual(before);
  });

  it("gets a file of its own where there is none, and has none after that", async () => {
    await add(name);
    expect(await entryOf(name)).toBeDefined();
    await take(name);
    expect(await everything()).toEqual({});
  });

  it("is left alone by a dry run, which shows the change", async () => {
    await given(name, FULL[name]);
    const before = await everything();
    await add(name, KEYS, { dry: true });
    expect(said[0]).toMatch(/^Dry run/);
    expect(said.join("\n")).toMatch(/^\+ .*longcat/m);
    expect(await everything()).toEqual(before);
    await add(name);
    const installed = await everything();
    await take(name, true);
    expect(await everything()).toEqual(installed);
  });

  it("sees no key, nor does whoever reads along", async () => {
    await given(name, FULL[name]);
    await add(name);
    await take(name, true);
    for (const key of [PIXAZO, LONGCAT, THEIRS]) expect(said.join("\n")).not.toContain(key);
    const held = Object.entries(await everything()).filter(([, content]) =>
      content.includes("key-0123456789"),
    );
    expect(held).toEqual([
      ["data/keys/LONGCAT_API_KEY", `600 ${LONGCAT}\n`],
      ["data/keys/PIXAZO_API_KEY", `600 ${PIXAZO}\n`],
    ]);
  });

  it("loses the server alone where others have changed the file since", async () => {
    const path = await given(name, FULL[name]);
    await add(name);
    const changed = (await readFile(path, "utf8")).replace("gh", "gh2");
    await writeFile(path, changed);
    await take(name);
    expect(await readFile(path, "utf8")).toBe(FULL[name].replace("gh", "gh2"));
  });
});

describe("keys", () => {
  it("are asked for once and kept for all hosts, until the last has gone", async () => {
    await add("cursor", {}, { answers: KEYS });
    await add("codex", {});
    expect(JSON.stringify(await entryOf("codex"))).toContain("keys/LONGCAT_API_KEY");
    await take("cursor");
    expect(await readFile(join(home, "data/keys/PIXAZO_API_KEY"), "utf8")).toBe(`${PIXAZO}\n`);
    await take("codex");
    expect(await everything()).toEqual({});
  });

  it("that are in a file already are named, not copied", async () => {
    await add("cursor", { PIXAZO_API_KEY_FILE: "~/secret" });
    expect(await entryOf("cursor")).toMatchObject({
      env: { PIXAZO_API_KEY_FILE: join(home, "secret") },
    });
    expect(Object.keys(await everything()).filter((path) => path.includes("keys"))).toEqual([]);
  });

  it("that nobody gives are told of, and the server is added all the same", async () => {
    await add("cursor", {}, { answers: {} });
    expect(await entryOf("cursor")).toEqual({
      command: "/usr/bin/node",
      args: ["/opt/longcat-mcp/dist/cli.js"],
    });
    expect(said.join("\n")).toMatch(/PIXAZO_API_KEY .*is not set: run the command again/);
  });

  it("of an entry made by hand move out of it", async () => {
    const path = await given(
      "cursor",
      `{"mcpServers":{"longcat":{"command":"npx","args":["-y","longcat-mcp"],"env":{"PIXAZO_API_KEY":"${PIXAZO}","MINE":"1"}}}}`,
    );
    await add("cursor", {});
    expect(await readFile(path, "utf8")).not.toContain(PIXAZO);
    expect(await entryOf("cursor")).toMatchObject({ env: { MINE: "1" } });
    expect(await readFile(join(home, "data/keys/PIXAZO_API_KEY"), "utf8")).toBe(`${PIXAZO}\n`);
    expect(said.join("\n")).not.toContain(PIXAZO);
  });

  it("that the host fills in stay the host's", async () => {
    const filledIn = ["$", "{input:pixazo}"].join("");
    const entry = { type: "stdio", command: "x", env: { PIXAZO_API_KEY: filledIn } };
    await given("vscode", JSON.stringify({ servers: { longcat: entry } }));
    await add("vscode");
    expect(await entryOf("vscode")).toMatchObject({
      env: {
        PIXAZO_API_KEY: filledIn,
        LONGCAT_API_KEY_FILE: join(home, "data/keys/LONGCAT_API_KEY"),
      },
    });
  });
});

describe("what is not changed", () => {
  it("is another program of that name", async () => {
    const other = '{"mcpServers":{"longcat":{"command":"other"}}}';
    await given("cursor", other);
    const before = await everything();
    await expect(add("cursor")).rejects.toThrow(/another program at mcpServers\.longcat/);
    await expect(take("cursor")).rejects.toThrow(/another program/);
    expect(await everything()).toEqual(before);
  });

  it.each([
    ["not JSON", '{"mcpServers": {', /mcp\.json is not JSON: .* line 1/],
    ["of another form", '{"mcpServers": []}', /other than an object/],
    ["not UTF-8", Buffer.from([0xff, 0xfe, 0x7b, 0]), /not UTF-8/],
  ])("is a file that is %s", async (_, content, words) => {
    await given("cursor", "");
    await writeFile(fileOf("cursor"), content);
    const before = await everything();
    await expect(add("cursor")).rejects.toThrow(words);
    expect(await everything()).toEqual(before);
  });

  it("is a link: what it leads to gets the server", async () => {
    const real = join(home, "dotfiles.json");
    await writeFile(real, FULL.cursor);
    await mkdir(join(home, ".cursor"));
    await symlink(real, fileOf("cursor"));
    await add("cursor");
    expect(await readFile(real, "utf8")).toContain("longcat");
    await take("cursor");
    expect(await readFile(real, "utf8")).toBe(FULL.cursor);
  });
});

it("a server added twice in two forms goes back to what was before the first", async () => {
  const path = await given("gemini", FULL.gemini);
  await add("gemini", {}, { answers: {} });
  await add("gemini");
  await take("gemini");
  expect(await readFile(path, "utf8")).toBe(FULL.gemini);
});

it("a host that does not have the server is told so, and nothing happens", async () => {
  await given("cursor", FULL.cursor);
  const before = await everything();
  await take("cursor");
  expect(said).toEqual([expect.stringMatching(/^Cursor does not have it/)]);
  expect(await everything()).toEqual(before);
});
