// Asks the built program for the answers that are the same for everybody, and keeps them as text
// with a gap where the id of a request stands.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/server";

const MODERN = "2026-07-28";
const LEGACY = [...new Set([LATEST_PROTOCOL_VERSION, ...SUPPORTED_PROTOCOL_VERSIONS])];
const LISTS = ["tools/list", "prompts/list", "resources/templates/list"];
const NEWS = ["toolsListChanged", "promptsListChanged", "resourcesListChanged"];
const TASKS = "io.modelcontextprotocol/tasks";
/** An id that no answer holds otherwise. */
const ID = "the-id-of-a-request";
const CLIENT = { name: "build", version: "1" };

/** @param outdir where the program lies, and no answers yet, so that it gives them itself */
export async function prepareAnswers(outdir) {
  const answers = [];
  const places = {};
  const keep = (revision, method, text) => {
    const template = text.split(JSON.stringify(ID));
    const known = answers.findIndex((one) => one.join("\0") === template.join("\0"));
    const place = known === -1 ? answers.push(template) - 1 : known;
    places[revision] = { ...places[revision], [method]: place };
  };
  for (const revision of LEGACY) {
    const initialize = {
      protocolVersion: revision,
      capabilities: {},
      clientInfo: CLIENT,
    };
    const asked = [["initialize", initialize], ["ping"], ...LISTS.map((method) => [method])];
    const texts = await ask(outdir, asked);
    for (const [place, [method]] of asked.entries()) keep(revision, method, texts[place]);
  }
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const ofTasks = {
    ..._meta,
    "io.modelcontextprotocol/clientCapabilities": { extensions: { [TASKS]: {} } },
  };
  const asked = ["server/discover", ...LISTS].map((method) => [method, { _meta }]);
  const notifications = Object.fromEntries(NEWS.map((name) => [name, true]));
  const texts = await ask(outdir, [
    ...asked,
    ["server/discover", { _meta: ofTasks }],
    ["subscriptions/listen", { notifications, _meta }],
  ]);
  for (const [place, [method]] of asked.entries()) keep(MODERN, method, texts[place]);
  const [discovered, acknowledged, ended] = texts.slice(asked.length);
  const promised = JSON.parse(acknowledged).params.notifications;
  return {
    modern: MODERN,
    places,
    answers,
    discoveredWithTasks: discovered.split(JSON.stringify(ID)),
    announced: Object.keys(promised),
    acknowledged: acknowledged
      .split(JSON.stringify(promised))
      .flatMap((part) => part.split(JSON.stringify(ID))),
    ended: ended.split(JSON.stringify(ID)),
  };
}

/** The program's answers to requests, as text, one after the other. */
async function ask(outdir, requests) {
  const home = await mkdtemp(join(tmpdir(), "longcat-prepare-"));
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, [resolve(outdir, "cli.js")], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH, HOME: home, USERPROFILE: home },
  });
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const texts = [];
    for (const [method, params] of requests) {
      child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: ID, method, params })}\n`);
      texts.push((await lines.next()).value);
    }
    child.stdin.end();
    for (let line = await lines.next(); !line.done; line = await lines.next())
      texts.push(line.value);
    return texts;
  } finally {
    child.kill();
    await rm(home, { recursive: true, force: true });
  }
}
