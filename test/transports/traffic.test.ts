import type { EventEmitter } from "node:events";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { type Answered, Traffic } from "../../src/transports/traffic.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import {
  bearer,
  credential,
  KnownTokens,
  openHttpServer,
  remoteCaller,
} from "../support/http-server.ts";
import { until } from "../support/rig.ts";

function traffic() {
  const clock = new FakeClock();
  const answered: Answered[] = [];
  const all = new Traffic(clock, ["/mcp"], (one) => answered.push(one));
  const arrive = (method: string, url: string) => {
    const request = new IncomingMessage(new Socket());
    Object.assign(request, { method, url });
    const response = new ServerResponse(request);
    all.arrived(request, response);
    return response;
  };
  return { clock, all, answered, arrive };
}

const leave = (response: EventEmitter) => response.emit("close");

async function isOver(promise: Promise<void>): Promise<boolean> {
  let over = false;
  void promise.then(() => {
    over = true;
  });
  await settle();
  return over;
}

test("an answer is told of when it has left: where it was asked for, its status, and how long it took", async () => {
  const { clock, answered, arrive } = traffic();
  const response = arrive("POST", "/mcp?token=secret");
  await clock.advance(1_500);
  response.writeHead(202);
  leave(response);
  expect(answered).toEqual([
    { method: "POST", route: "/mcp", status: 202, seconds: 1.5, isStream: false },
  ]);
});

test("strangers' words are in no figure, and a client that leaves has no status", () => {
  const { answered, arrive } = traffic();
  leave(arrive("BREW", "/somebody's/secret"));
  expect(answered).toMatchObject([{ method: "other", route: "other", status: undefined }]);
});

test("streams are not waited for, calls are", async () => {
  const { all, arrive } = traffic();
  expect(await isOver(all.callsAnswered())).toBe(true);
  const stream = arrive("POST", "/mcp");
  const call = arrive("POST", "/mcp");
  const done = all.callsAnswered();
  all.isStream(stream);
  expect({ calls: all.calls, streams: all.streams }).toEqual({ calls: 1, streams: 1 });
  expect(await isOver(done)).toBe(false);
  leave(call);
  expect(await isOver(done)).toBe(true);
});

test("the end of all is waited for, but not for ever", async () => {
  const { clock, all, arrive } = traffic();
  const stream = arrive("POST", "/mcp");
  all.isStream(stream);
  const patient = all.allOver(1_000);
  expect(await isOver(patient)).toBe(false);
  await clock.advance(1_000);
  expect(await isOver(patient)).toBe(true);
  const other = all.allOver(1_000);
  leave(stream);
  expect(await isOver(other)).toBe(true);
  // What has left already is no stream any more.
  all.isStream(stream);
  expect(all.streams).toBe(0);
});

test("answers that are remembered, refused or found nowhere are counted as all others are", async () => {
  const answered: Answered[] = [];
  const routes = ["/mcp", "/healthz"];
  const all = new Traffic(systemClock, routes, (one) => answered.push(one));
  const authenticator = new KnownTokens({ good: credential(remoteCaller("ada")) });
  const { send, ask } = await openHttpServer({ authenticator }, { traffic: all });
  const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
  // The second and third are the same bytes again.
  for (let n = 0; n < 3; n++) await (await send(list, bearer("good"))).text();
  await (await send(list, bearer("bad"))).text();
  await (await ask("/healthz")).text();
  await (await ask("/nowhere", { headers: bearer("good") })).text();
  await until(() => answered.length === 6, "all of them have left");
  const rows = answered.map(({ method, route, status }) => `${method} ${route} ${status}`);
  expect(rows.toSorted()).toEqual([
    ...["GET /healthz 200", "GET other 404"],
    ...["POST /mcp 200", "POST /mcp 200", "POST /mcp 200", "POST /mcp 401"],
  ]);
});
