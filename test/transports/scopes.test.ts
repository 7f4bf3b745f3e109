import { describe, expect, it } from "vitest";
import * as z from "zod";
import { type Scope, scopesIn } from "../../src/core/caller.ts";
import { newJobId, newThreadId } from "../../src/core/ids.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { uris } from "../../src/core/uris.ts";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { lackingScope } from "../../src/tools/scopes.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import {
  bearer,
  credential,
  KnownTokens,
  openHttpServer,
  remoteCaller,
} from "../support/http-server.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

const STARTS = OPERATIONS.map(({ name }) => name);
const JOBS = ["job_cancel", "job_delete", "job_list", "job_status"];
const READS = ["image_models", "job_list", "job_status", "media_save", "spending"];
const CHATS = ["chat_threads", "longcat_chat", "longcat_models", ...JOBS];
/** What a token with one scope shows, `upload_link` left out, which is tested where it is made. */
const LISTED: Record<Scope, string[]> = {
  "jobs:read": READS,
  "jobs:buy": [...STARTS, ...READS, "job_cancel", "job_delete"],
  chat: CHATS,
  admin: ["job_status", "longcat_image_legacy_status"],
};
const PROMPTS: Record<Scope, string[]> = {
  "jobs:read": [],
  "jobs:buy": [
    "character_sheet",
    "compare_models",
    "create_image",
    "edit_image",
    "product_shot",
    "train_lora",
  ],
  chat: ["delegate"],
  admin: [],
};
const TEMPLATES: Record<Scope, string[]> = {
  "jobs:read": ["job", "media", "model", "preview"],
  "jobs:buy": ["job", "media", "model", "preview"],
  chat: ["job", "media", "preview", "thread"],
  admin: [],
};
const scopes = Object.keys(LISTED).filter((one): one is Scope => one in LISTED);

const open = (resource = false) =>
  openHttpServer({
    authenticator: new KnownTokens(
      Object.fromEntries(
        scopes.map((scope) => [
          scope.replace(":", "-"),
          credential(remoteCaller(scope.replace(":", "-"), { scopes: scopesIn([scope]) })),
        ]),
      ),
    ),
    ...(resource
      ? { resource: { issuer: "https://login.example", audience: "https://mcp.example/mcp" } }
      : {}),
  });

const ask = (method: string, params: object = {}) => ({ jsonrpc: "2.0", id: 1, method, params });
const namesIn = async (reply: Response, list: string) => {
  const text = /\{.*\}/.exec(await reply.text())?.[0] ?? "{}";
  const result = z
    .looseObject({ result: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(text));
  const named = z.array(z.looseObject({ name: z.string() })).parse(result.result[list]);
  return named.map(({ name }) => name).sort();
};

describe.each(scopes)("with %s", (scope) => {
  const token = bearer(scope.replace(":", "-"));

  it("its tools are listed, and no others", async () => {
    const server = await open();
    const listed = await namesIn(await server.send(ask("tools/list"), token), "tools");
    expect(listed.filter((name) => name !== "upload_link")).toEqual([...LISTED[scope]].sort());
  });

  it("a tool that is not listed is refused, as any that takes another scope", async () => {
    const server = await open();
    const all = createTools(idleToolDeps()).map(({ name }) => name);
    for (const name of all.filter((one) => one !== "upload_link")) {
      const reply = await server.send(ask("tools/call", { name, arguments: {} }), token);
      expect(`${name} ${reply.status}`).toBe(`${name} ${LISTED[scope].includes(name) ? 200 : 403}`);
    }
  });

  it("prompts and resources are its own as well", async () => {
    const server = await open();
    expect(await namesIn(await server.send(ask("prompts/list"), token), "prompts")).toEqual(
      PROMPTS[scope],
    );
    const templates = await server.send(ask("resources/templates/list"), token);
    const names = await namesIn(templates, "resourceTemplates");
    expect(names.filter((name) => name !== "upload")).toEqual(TEMPLATES[scope]);
  });
});

describe("the challenge", () => {
  it("names the scope that is lacking", async () => {
    const server = await open();
    const call = ask("tools/call", { name: STARTS[0], arguments: {} });
    const reply = await server.send(call, bearer("jobs-read"));
    expect(reply.status).toBe(403);
    expect(reply.headers.get("www-authenticate")).toBe(
      'Bearer error="insufficient_scope", error_description="This takes the scope jobs:buy, which your token does not have; nothing was done. Whoever runs this server can give it one", scope="jobs:buy"',
    );
    expect(await reply.json()).toMatchObject({ error: "insufficient_scope" });
  });

  it("leads to the issuer where there is one", async () => {
    const server = await open(true);
    const call = ask("tools/call", { name: "spending", arguments: {} });
    const challenge = (await server.send(call, bearer("chat"))).headers.get("www-authenticate");
    expect(challenge).toContain('scope="jobs:read"');
    expect(challenge).toContain(
      'resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"',
    );
  });

  it.each([
    [
      "a batch with one such call in it",
      "chat",
      [ask("ping"), ask("tools/call", { name: "spending" })],
    ],
    [
      "a start, checked only",
      "jobs-read",
      ask("tools/call", { name: STARTS[0], arguments: { dry_run: true } }),
    ],
    ["a thread", "jobs-buy", ask("resources/read", { uri: uris.thread(newThreadId()) })],
    [
      "a thread, written otherwise",
      "jobs-buy",
      ask("resources/read", { uri: "LONGCAT://threads/x" }),
    ],
    ["a model card", "chat", ask("resources/read", { uri: uris.model("qwen_image_edit") })],
    ["a job", "admin", ask("resources/read", { uri: uris.job(newJobId()) })],
    [
      "events of a thread",
      "jobs-read",
      ask("resources/subscribe", { uri: uris.thread(newThreadId()) }),
    ],
    ["a prompt", "jobs-read", ask("prompts/get", { name: "create_image" })],
    [
      "names of threads",
      "jobs-buy",
      ask("completion/complete", {
        ref: { type: "ref/resource", uri: "longcat://threads/{thread_id}" },
        argument: { name: "thread_id", value: "" },
      }),
    ],
  ])("comes for %s", async (_, token, message) => {
    const reply = await (await open()).send(message, bearer(token));
    expect(reply.status).toBe(403);
    expect(reply.headers.get("www-authenticate")).toContain("insufficient_scope");
  });
});

it("every tool there is takes a scope", () => {
  const nobody = { ...LOCAL_CALLER, scopes: new Set<Scope>() };
  for (const { name } of createTools(idleToolDeps())) {
    const message = ask("tools/call", { name });
    expect(`${name} ${lackingScope(nobody, message) === undefined}`).toBe(`${name} false`);
    expect(lackingScope(LOCAL_CALLER, message)).toBeUndefined();
  }
});
