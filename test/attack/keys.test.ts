import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createLog } from "../../src/core/log.ts";
import { createRedact } from "../../src/core/redact.ts";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { openChatRig } from "../support/chat-rig.ts";
import { disguises } from "../support/disguises.ts";
import { http, type Reply, scriptedGateway } from "../support/gateway-script.ts";
import { json, rawServer } from "../support/raw-server.ts";
import { openRig, until } from "../support/rig.ts";
import { openToolRig } from "../support/tool-rig.ts";

/** The key of all rigs. */
const KEY = "key-0123456789";
const FORMS = disguises(KEY);
/** Looks for what nobody may find: every form of the key, by a look of its own. */
const NEEDLES = [
  ...FORMS.map(({ text }) => text),
  ...[0, 1, 2].map((before) => {
    const coded = Buffer.from(`${"x".repeat(before)}${KEY}`).toString("base64");
    return coded.slice(Math.ceil((before * 8) / 6) + 4, -4);
  }),
];

function expectNoKey(text: string, where: string): void {
  const lower = text.toLowerCase();
  for (const needle of NEEDLES) {
    expect(lower.includes(needle.toLowerCase()), `${needle} in ${where}`).toBe(false);
  }
}

async function expectNoKeyIn(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    expectNoKey(entry.name, `the name of ${path}`);
    if (entry.isFile()) expectNoKey((await readFile(path)).toString("latin1"), path);
  }
}

/** Every string that any reply has a place for. */
const everywhere = (text: string) => ({
  request_id: text,
  status: text,
  code: text,
  message: text,
  error: { message: text, type: text, code: text },
  detail: [{ msg: text }],
  output: {
    media_url: [`https://example.com/${text}`, text],
    choices: [{ message: { content: [{ image: text }] } }],
  },
  images: [{ url: `https://${text}.example.com/a.png?k=${text}` }],
  polling_url: `https://example.com/${text}`,
  result_url: `https://example.com/?key=${text}`,
});

const ID = "longcat-image-498_019dabcd-0000-7000-8000-000000000000";

describe("a provider that sends our key back in every form", () => {
  it.each(OPERATIONS.map(({ name, example }) => ({ name, example })))(
    "finds it nowhere after $name, whatever that came to",
    async ({ name, example }) => {
      const texts = FORMS.map(({ text }) => text);
      const replies: Reply[] = texts.flatMap((text, i) => [
        http([200, 400, 401, 403, 404, 500][i % 6] ?? 200, everywhere(text), {
          etag: text.replaceAll(/[^!-~]/g, ""),
        }),
      ]);
      const gateway = await scriptedGateway({ submit: [...replies, http(400, everywhere(KEY))] });
      const rig = await openRig({ origin: gateway.origin });
      for (const text of texts) {
        const job = await rig.start(name, example);
        const ended = await until(async () => {
          const current = await rig.get(job);
          return current.completedAt === null ? undefined : current;
        }, `${text} ends`);
        expectNoKey(JSON.stringify(ended), "the job");
      }
      await expectNoKeyIn(rig.folder);
      await rig.close();
      await expectNoKeyIn(rig.folder);
    },
  );

  it.each(["COMPLETED", "FAILED", "ERROR"])("finds it nowhere after %s", async (status) => {
    for (const { text } of FORMS) {
      const gateway = await scriptedGateway({
        status: [http(200, { ...everywhere(text), status })],
      });
      const rig = await openRig({ origin: gateway.origin });
      const job = await rig.start();
      const ended = await until(async () => {
        const current = await rig.get(job);
        return current.completedAt === null ? undefined : current;
      }, `${text} ends`);
      expectNoKey(JSON.stringify(ended), "the job");
      if (status === "COMPLETED") {
        expect(ended.error?.message).toMatch(/contained our API key/);
        expect(ended.mediaUrls.join()).toContain("[key removed]");
        expect(ended.charge).toBe("spent");
      }
      await rig.close();
      await expectNoKeyIn(rig.folder);
    }
  });

  it("finds it nowhere in what is looked up", async () => {
    for (const { text } of FORMS) {
      const server = await rawServer((_, response) => json(response, 401, everywhere(text)));
      const { call } = await openToolRig(server.origin);
      for (const name of ["longcat_models"]) {
        const result = await call(name, {});
        expectNoKey(JSON.stringify(result), name);
        expect(JSON.stringify(result)).toContain("LONGCAT_API_KEY");
      }
      const gateway = await scriptedGateway({
        status: [http(401, everywhere(text))],
        submit: [http(401, everywhere(text))],
      });
      const rig = await openRig({ origin: gateway.origin });
      for (const look of [() => rig.adoption.findOrAdopt("local", ID)]) {
        const error: unknown = await look().catch((thrown: unknown) => thrown);
        const said = error instanceof Error ? error.message : "";
        expectNoKey(said, "the error");
        expect(said).toMatch(/PIXAZO_API_KEY.*Pixazo/);
      }
      await rig.close();
    }
  });

  it.each(["openai", "anthropic"] as const)(
    "finds it nowhere in what is answered in the format of %s, in pieces of any size",
    async (format) => {
      const answers = FORMS.flatMap(({ text }, i) => [{ text, size: 1 + (i % 7) }]);
      const server = await rawServer((_, response) => {
        const { text, size } = answers.shift() ?? { text: KEY, size: 100 };
        response.writeHead(200, { "content-type": "text/event-stream" });
        for (let at = 0; at < text.length; at += size) {
          const piece = text.slice(at, at + size);
          const event =
            format === "openai"
              ? { model: text, choices: [{ delta: { content: piece, reasoning_content: piece } }] }
              : { type: "content_block_delta", delta: { text: piece, thinking: piece } };
          response.write(`data: ${JSON.stringify(event)}\n\n`);
        }
        response.end(`data: ${JSON.stringify({ error: everywhere(text) })}\n\n`);
      });
      const rig = await openChatRig({ origin: server.origin });
      for (const { text } of FORMS) {
        const job = await rig.ask("A question", { format, forceNew: true });
        await until(async () => (await rig.get(job)).completedAt !== null, `${text} ends`);
        expectNoKey(
          JSON.stringify([await rig.get(job), await rig.threads.said("local", job.jobId)]),
          text,
        );
      }
      await rig.close();
      await expectNoKeyIn(rig.folder);
    },
  );

  it("finds it nowhere in the log, at any level and in any field", async () => {
    const lines: string[] = [];
    const log = createLog("trace", createRedact([KEY]), (line) => lines.push(line));
    for (const { text } of FORMS) {
      const err = Object.assign(new Error(text), { body: text, headers: { authorization: text } });
      log.error({ err, [text]: { deep: [text] } }, text);
    }
    await until(() => lines.length === FORMS.length, "all lines");
    expectNoKey(lines.join(""), "the log");
  });
});
