import { readdir } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { uris } from "../../src/core/uris.ts";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { FAR, openSharedHouse } from "../support/shared-house.ts";
import type { AnyClient } from "../support/stranger.ts";

const textOf = (result: unknown) => JSON.stringify(result);
const caught = async (work: Promise<unknown>) =>
  work.then(textOf, (error: unknown) => `rejected: ${error instanceof Error ? error.message : ""}`);

const toolsSchema = z.array(
  z.looseObject({
    name: z.string(),
    description: z.string().optional(),
    inputSchema: z.looseObject({ properties: z.record(z.string(), z.unknown()).default({}) }),
  }),
);
const linksSchema = z.looseObject({
  content: z.array(z.looseObject({ uri: z.string().optional() })),
});

/** What is left of an answer once the pictures and addresses in it are taken out. */
const wordsOf = (answer: string) =>
  answer
    .replaceAll(/"(?:data|blob)":"[A-Za-z0-9+/=]+"/g, "")
    .replaceAll(/\b\w+:\/\/[^\s"\\]+/g, "");

const CAT = { prompt: "A far cat", image_size: "square_1_1", wait_seconds: 45 };
/** What exists in the house, and what does not. */
const guesses = (folder: string) => [
  "/etc/passwd",
  "/etc/passwx",
  folder,
  `${folder}/data/jobs.db`,
];

describe("a caller elsewhere", () => {
  let house: Awaited<ReturnType<typeof openSharedHouse>>;
  let client: AnyClient;
  let made: string;
  const call = (name: string, args: Record<string, unknown>) =>
    client.callTool({ name, arguments: args });
  const tools = async () => toolsSchema.parse((await client.listTools()).tools);
  const expectNoPath = (answer: string, what: string) => {
    expect(answer, what).not.toContain(house.folder);
    expect(answer, what).not.toContain("/home/nobody");
    expect(wordsOf(answer), what).not.toMatch(/(?<![\w<])\/[\w.-]+\/[\w.-]+|file:\/\//);
  };

  beforeAll(async () => {
    house = await openSharedHouse();
    client = await house.old(`${FAR}eve`);
    made = textOf(await call("longcat_image_generate", CAT));
    return () => house.close();
  }, 150_000);

  it("is told of no argument and in no word that there is a disk", async () => {
    for (const tool of await tools()) {
      expect(Object.keys(tool.inputSchema.properties), tool.name).not.toContain("save_to");
      expect(textOf(tool), tool.name).not.toMatch(/\bpaths?\b|\bfolders?\b|Desktop|save_to/i);
    }
    expect(client.getInstructions()).toMatch(/links/);
    expect(client.getInstructions()).not.toMatch(/paths|save_to|disk/);
  });

  it("sees no path in the answer of any tool or resource", async () => {
    const jobId = /job_[a-z2-7]{26}/.exec(made)?.[0] ?? "";
    const layered = textOf(
      await call("qwen_image_layered", { image_url: uris.medium(jobId, 1), wait_seconds: 45 }),
    );
    const layersId = /job_[a-z2-7]{26}/.exec(layered)?.[0] ?? "";
    const asked = textOf(
      await call("longcat_chat", {
        ...{ prompt: `Say much. ${"word ".repeat(4_000)}`, wait_seconds: 45 },
      }),
    );
    const [chatId = "", threadId = ""] = [
      /job_[a-z2-7]{26}/.exec(asked)?.[0],
      /thread_[a-z2-7]{26}/.exec(asked)?.[0],
    ];
    const calls: [string, Record<string, unknown>][] = [
      ...OPERATIONS.map(({ name, example }): [string, Record<string, unknown>] => [
        name,
        { ...example, dry_run: true },
      ]),
      ["longcat_chat", { prompt: "Hm?", dry_run: true }],
      ["job_status", { job_id: jobId, previews: "sheet" }],
      ["job_status", { job_id: layersId }],
      ["job_status", { job_id: chatId }],
      ["job_list", {}],
      ["job_cancel", { job_id: jobId }],
      ["media_save", { job_id: jobId }],
      ["media_save", { job_id: layersId, format: "jpeg", max_side: 100 }],
      ["media_save", { job_id: chatId }],
      ["media_save", { job_id: jobId, format: "png", quality: 3 }],
      ["chat_threads", { action: "read", thread_id: threadId }],
      ["spending", {}],
      ["image_models", {}],
      ["longcat_models", {}],
    ];
    expectNoPath(made, "the start");
    for (const [name, args] of calls) {
      expectNoPath(await caught(call(name, args)), `${name} ${textOf(args)}`);
    }
    const addresses = [jobId, layersId, chatId].flatMap((id) => [
      uris.job(id),
      ...[1, 2, 3, 4, 5, 6, 7, 8].flatMap((n) => [uris.medium(id, n), uris.preview(id, n)]),
    ]);
    for (const uri of [...addresses, uris.thread(threadId), uris.model("qwen_image_edit")]) {
      expectNoPath(await caught(client.readResource({ uri })), uri);
    }
    for (const list of [client.listResources(), client.listResourceTemplates()]) {
      expectNoPath(await caught(list), "lists");
    }
    // What is missing is called by its name alone.
    const days = await readdir(`${house.folder}/out/users/${FAR}eve`);
    expect(days).toHaveLength(1);
    const { rm } = await import("node:fs/promises");
    await rm(`${house.folder}/out/users/${FAR}eve/${days[0]}`, { recursive: true });
    const [lost, gone] = [
      await caught(call("job_status", { job_id: jobId })),
      await caught(call("media_save", { job_id: jobId })),
    ];
    expect(lost).toMatch(/png is missing/);
    expect(gone).toMatch(/png is missing/);
    for (const uri of addresses) expectNoPath(await caught(client.readResource({ uri })), uri);
    for (const answer of [lost, gone]) expectNoPath(answer, "a missing file");
    for (const [name, args] of [
      ["job_delete", { job_id: jobId, files: false }],
      ["job_delete", { job_id: layersId }],
      ["chat_threads", { action: "delete", thread_id: threadId }],
    ] as const) {
      expectNoPath(await caught(call(name, args)), name);
    }
  }, 150_000);

  it("reads nothing by a path, and hears the same of what exists and what does not", async () => {
    const heard = new Map<string, Set<string>>();
    const files = OPERATIONS.flatMap(({ name, files: fields, example }) =>
      fields.map((field) => ({ name, field: field.name, example })),
    );
    const forms = (path: string) => [path, `file://${path}`, `.${path}`, `~${path}`];
    for (const path of guesses(house.folder)) {
      for (const form of forms(path)) {
        const shown = (answer: string) => answer.replaceAll(/\\"[^"]*\\"/g, "(quoted)");
        for (const dry_run of [true, false]) {
          for (const { name, field, example } of files) {
            const given = Array.isArray(Object(example)[field]) ? [form] : form;
            const answer = await caught(call(name, { ...example, [field]: given, dry_run }));
            expect(answer, name).toContain('"isError":true');
            expect(answer, name).toMatch(/upload_link/);
            expectNoPath(answer.replaceAll(form, "").replaceAll(path, ""), `${name} ${form}`);
            heard.set(name, (heard.get(name) ?? new Set()).add(shown(answer)));
          }
          const chat = await caught(
            call("longcat_chat", { prompt: "Read it", files: [form], dry_run }),
          );
          expect(chat).toContain("upload_link");
          heard.set("chat", (heard.get("chat") ?? new Set()).add(shown(chat)));
        }
        for (const name of ["longcat_image_generate", "longcat_chat", "media_save"]) {
          const args = name === "media_save" ? { job_id: "job_x" } : { prompt: "Hm" };
          expect(await caught(call(name, { ...args, save_to: form }))).toContain("save_to");
        }
      }
    }
    for (const [name, answers] of heard) {
      expect(answers.size, `${name}: ${[...answers].join("\n")}`).toBe(1);
    }
    expect(await readdir(house.folder)).not.toContain("~");
  }, 150_000);

  it("fetches what links lead to, and nothing once the job is gone", async () => {
    const one = textOf(await call("longcat_image_generate", { ...CAT, prompt: "A linked cat" }));
    const jobId = /job_[a-z2-7]{26}/.exec(one)?.[0] ?? "";
    const url = /http:\/\/127\.0\.0\.1:\d+\/media\/[\w.-]+/.exec(one)?.[0] ?? "";
    const reply = await fetch(url);
    expect(reply.status).toBe(200);
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      "content-type": "image/png",
      "content-disposition": expect.stringMatching(/^attachment; filename="longcat-image/),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "private, no-store",
      "accept-ranges": "bytes",
    });
    const bytes = Buffer.from(await reply.arrayBuffer());
    const part = await fetch(url, { headers: { range: "bytes=10-19" } });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(10, 20));
    expect((await fetch(url, { headers: { range: `bytes=${bytes.length}-` } })).status).toBe(416);

    const saved = linksSchema.parse(
      await call("media_save", { job_id: jobId, format: "webp", max_side: 64, quality: 50 }),
    );
    const converted = await fetch(saved.content[1]?.uri ?? "");
    expect(converted.headers.get("content-type")).toBe("image/webp");
    const webp = Buffer.from(await converted.arrayBuffer());
    expect(webp.toString("latin1", 8, 12)).toBe("WEBP");

    const secret = url.slice(url.lastIndexOf("/") + 1);
    const parts = secret.split(".");
    const forged = [
      secret.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
      secret.slice(0, -1),
      `${secret}A`,
      secret.toUpperCase(),
      [parts[0], "2", ...parts.slice(2)].join("."),
      [parts[0], parts[1], "zzzzzz", parts[3]].join("."),
      [...parts.slice(0, 3), "jpeg", parts[3]].join("."),
      "..%2f..%2fetc%2fpasswd",
      "../../../etc/passwd",
      "",
    ];
    for (const one of forged) {
      const refused = await fetch(url.slice(0, url.lastIndexOf("/") + 1) + one);
      expect(refused.status, one).toBe(404);
    }
    expect((await fetch(url, { method: "DELETE" })).status).toBe(405);
    expect((await fetch(url, { method: "HEAD" })).status).toBe(200);

    await call("job_delete", { job_id: jobId });
    expect((await fetch(url)).status).toBe(404);
  });

  it("on this machine sees paths as ever", async () => {
    const here = await house.old("ann");
    const one = textOf(await here.callTool({ name: "z_image_turbo_generate", arguments: CAT }));
    expect(one).toContain(`${house.folder}/out/users/ann/`);
    expect(one).not.toMatch(/\d\/media\//);
  });
});
