import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { type Bench, listeningUrl, openBench, PATIENTLY } from "../e2e/harness.ts";
import { filesWith } from "../support/files-in.ts";
import { freePort } from "../support/free-port.ts";
import { picture } from "../support/pictures.ts";
import { leftJob, recordJob } from "../support/rig.ts";

const SECRET = "Quarzsandgrube";
const CALL = { prompt: `A ${SECRET}`, image_size: "square_1_1", wait_seconds: 45 };

const users = (bench: Bench, ...words: string[]) => bench.run(["users", ...words]);

/** A server with a client for each of some users. */
async function servedTo(bench: Bench, names: readonly string[], env: Record<string, string> = {}) {
  const tokens: string[] = [];
  for (const name of names) tokens.push(await bench.addUser(name));
  const program = bench.launch(["http", "--port", "0"], env);
  await program.start();
  const url = await listeningUrl(program);
  const clients: Client[] = [];
  for (const token of tokens) {
    const client = new Client({ name: "leaving", version: "1" });
    const headers = { authorization: `Bearer ${token}` };
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
    onTestFinished(() => client.close());
    clients.push(client);
  }
  return { program, clients };
}

async function ownerOf(bench: Bench, name: string): Promise<string> {
  const { said } = await users(bench, "list", "--json");
  const all: { name: string; user_id: string }[] = JSON.parse(said);
  return all.find((user) => user.name === name)?.user_id ?? "";
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

describe("whoever leaves", () => {
  test("takes all that is theirs, and nothing of anybody else's, and leaves nothing but amounts", async () => {
    const bench = await openBench();
    const { program, clients } = await servedTo(bench, ["ann", "bob"]);
    for (const client of clients) {
      await client.callTool({ name: "longcat_image_generate", arguments: CALL });
    }
    await clients[0]?.callTool({
      name: "longcat_chat",
      arguments: { prompt: `Who digs a ${SECRET}?`, wait_seconds: 45 },
    });
    const [ann, bob] = [await ownerOf(bench, "ann"), await ownerOf(bench, "bob")];
    const invited = await clients[0]?.callTool({ name: "upload_link", arguments: {} });
    const url = /http:\/\/\S+\/uploads\/[a-z2-7]{26}/.exec(JSON.stringify(invited))?.[0] ?? "";
    expect((await fetch(url, { method: "PUT", body: `My ${SECRET}` })).status).toBe(201);

    const printed = await users(bench, "export", "ann");
    expect(printed.code).toBe(0);
    const to = join(bench.folder, "export");
    expect((await users(bench, "export", "ann", "--to", to)).code).toBe(0);
    const lines = linesOf(await readFile(join(to, "export.jsonl"), "utf8"));
    expect(lines.map(({ kind }) => kind)).toEqual(["user", "job", "job", "thread", "upload"]);
    expect(lines[0]).toMatchObject({ name: "ann", user_id: ann });
    expect(lines[1]).toMatchObject({ operation: "longcat_chat", answer: expect.any(String) });
    expect(lines[2]).toMatchObject({ operation: "longcat_image_generate", counted_usd: 0.13 });
    expect(JSON.stringify(lines)).not.toContain(bob);
    const copies = await readdir(join(to, "files"));
    expect(copies).toHaveLength(2);
    const file = copies.find((name) => name.endsWith(".png"));
    const upload = copies.find((name) => name !== file) ?? "";
    expect(lines[2]).toMatchObject({ files: [`files/${file}`] });
    expect(lines[4]).toMatchObject({ mime_type: "text/plain", copy: `files/${upload}` });
    expect(await readFile(join(to, "files", upload), "utf8")).toBe(`My ${SECRET}`);
    expect((await stat(join(to, "files", file ?? ""))).size).toBeGreaterThan(1000);
    const strip = ({ files: _, copy: __, ...line }: Record<string, unknown>) => line;
    expect(linesOf(printed.said).map(strip)).toEqual(lines.map(strip));

    const folderOf = (owner: string) => join(bench.outputDir, "users", owner);
    expect(existsSync(folderOf(ann))).toBe(true);
    const erased = await users(bench, "erase", "ann");
    expect(erased).toMatchObject({ code: 0, said: expect.stringContaining("2 jobs") });
    expect([existsSync(folderOf(ann)), existsSync(folderOf(bob))]).toEqual([false, true]);
    const uploads = await readdir(join(bench.dataDir, "uploads"));
    expect(uploads.filter((name) => /^[a-z2-7]{26}\./.test(name))).toEqual([]);
    await expect(clients[0]?.callTool({ name: "job_list", arguments: {} })).rejects.toThrow();
    const theirs = await clients[1]?.callTool({ name: "job_list", arguments: {} });
    expect(JSON.stringify(theirs)).toContain(SECRET);
    expect(await users(bench, "export", "ann")).toMatchObject({ code: 1, said: "" });

    const audit = await bench.run(["audit"]);
    const ofAnn = linesOf(audit.said).filter(({ owner }) => owner === ann);
    expect(ofAnn.filter(({ event }) => event === "job_deleted")).toMatchObject([
      { tool: "longcat_image_generate", charge: "spent", usd: 0.13 },
      { tool: "longcat_chat" },
    ]);
    expect(audit.said).not.toMatch(/Quarz|"ann"/);
    await users(bench, "erase", "bob");
    await program.kill("SIGTERM");
    await vi.waitFor(async () => {
      expect(await readFile(join(bench.dataDir, "jobs.db"), "latin1")).not.toContain(SECRET);
    }, PATIENTLY);
  });

  test("leaves no word in any file, also while the server runs and others use it", async () => {
    const bench = await openBench();
    const env = { LONGCAT_MCP_PUBLIC_PORT: String(await freePort()) };
    const { program, clients } = await servedTo(bench, ["annabelle-mueller", "bob"], env);
    const [ann, bob] = clients;
    const ask = async (client: Client | undefined, name: string, args: Record<string, unknown>) =>
      JSON.stringify(await client?.callTool({ name, arguments: args }));
    const owner = await ownerOf(bench, "annabelle-mueller");
    const words = ["Quarzsandgrube", "Föhrenwald", "Kieselweg", "Tonscherbe", "annabelle-mueller"];
    const [dug, answered, named, unused] = words;
    const upload = async (filename: string | undefined, body: Buffer | string) => {
      const told = await ask(ann, "upload_link", filename === undefined ? {} : { filename });
      const url = /http:\/\/\S+\/uploads\/[a-z2-7]{26}/.exec(told)?.[0] ?? "";
      if (body !== "")
        expect(
          (await fetch(url, { method: "PUT", body: new Uint8Array(Buffer.from(body)) })).status,
        ).toBe(201);
      return /longcat:\/\/uploads\/[a-z2-7]{26}/.exec(told)?.[0] ?? "";
    };
    const wait = { wait_seconds: 45, image_size: "square_1_1" };
    await ask(ann, "longcat_image_generate", { ...wait, prompt: `A ${dug}` });
    const notes = await upload(`${named}.md`, `It is about a ${answered}.`);
    await upload(`${unused}.png`, "");
    await ask(ann, "longcat_chat", { prompt: `Sum up ${dug}`, files: [notes], wait_seconds: 45 });
    const image = await upload(`${named}.png`, await picture("png"));
    const edited = await ask(ann, "qwen_image_layered", { image_url: image, wait_seconds: 45 });
    expect(edited).toContain("completed in");
    // In the index, and in an answer that has another job's.
    expect(await ask(ann, "job_list", { query: dug })).toContain(dug);
    expect(await ask(ann, "chat_threads", { action: "list", query: dug })).toContain(dug);
    await ask(bob, "longcat_image_generate", { ...wait, prompt: "A meadow" });
    expect(await filesWith(bench.folder, ...words)).not.toEqual([]);

    expect((await users(bench, "erase", "annabelle-mueller")).code).toBe(0);
    // The server still has the database open: nothing waits for its end.
    await expect.poll(() => filesWith(bench.folder, ...words), PATIENTLY).toEqual([]);
    expect(existsSync(join(bench.outputDir, "users", owner))).toBe(false);
    expect(await ask(bob, "job_list", {})).toContain("meadow");
    await program.kill("SIGKILL");
    expect(await filesWith(bench.folder, ...words)).toEqual([]);
    const { said } = await bench.run(["audit"]);
    for (const word of words) expect(said).not.toContain(word);
    const db = new DatabaseSync(join(bench.dataDir, "jobs.db"));
    onTestFinished(() => db.close());
    for (const table of ["uploads", "webhook_secrets", "webhook_calls", "chat_threads", "jobs"]) {
      expect(db.prepare(`SELECT * FROM ${table} WHERE owner = ?`).all(owner), table).toEqual([]);
    }
  });

  test("with unfinished jobs stays, unless forced; what was accepted then counts as uncertain", async () => {
    const bench = await openBench();
    await users(bench, "add", "ann");
    const owner = await ownerOf(bench, "ann");
    const open = () => new SqliteJobStore(new Connection(bench.dataDir));
    const store = open();
    const base = { baseUrl: bench.sandbox.origin, owner, reservedUsd: 0.13 };
    const running = { ...base, state: "running", charge: "reserved", requestId: "one" } as const;
    const now = Date.now();
    const job = leftJob({ ...running, createdAt: now });
    await recordJob(store, job, "a-process-that-is-gone");
    await store.close();

    const refused = await users(bench, "erase", "ann");
    expect(refused).toMatchObject({
      code: 2,
      said: "",
      stderr: expect.stringContaining("--force"),
    });
    expect(refused.stderr).toContain(job.jobId);
    expect((await users(bench, "list")).said).toContain("active");
    expect((await users(bench, "erase", "ann", "--force")).code).toBe(0);
    const after = open();
    onTestFinished(() => after.close());
    expect(await after.get(owner, job.jobId)).toBeUndefined();
    expect((await after.spending(owner, now)).today).toMatchObject({ uncertainUsd: 0.13 });
  });

  test("into a folder with something in it takes nothing, and overwrites nothing", async () => {
    const bench = await openBench();
    await users(bench, "add", "ann");
    const to = join(bench.folder, "there");
    await mkdir(to);
    await writeFile(join(to, "export.jsonl"), "mine");
    const { code, said, stderr } = await users(bench, "export", "ann", "--to", to);
    expect({ code, said }).toEqual({ code: 2, said: "" });
    expect(stderr).toContain("not empty");
    expect(await readFile(join(to, "export.jsonl"), "utf8")).toBe("mine");
  });
});
