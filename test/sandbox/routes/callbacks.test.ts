import { createServer } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Fault } from "../../../src/sandbox/sandbox-server.ts";
import { type FakeClock, settle } from "../../support/fake-clock.ts";
import { get, openSandbox, post } from "../client.ts";
import { PATHS } from "../examples.ts";

const JOB = { prompt: "A lighthouse", image_size: "landscape_4_3" };

async function receiver() {
  const received: unknown[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      received.push(parsed(text));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return { url: `http://127.0.0.1:${port}/hook`, received };
}

function parsed(text: string): unknown {
  return text.startsWith("{") ? JSON.parse(text) : text;
}

describe("callbacks", () => {
  it("come once, with the final status, to this machine only", async () => {
    const { sandbox, clock } = await openSandbox();
    const { url, received } = await receiver();
    const submit = (hook: string) =>
      post(sandbox.origin + PATHS.turbo, JOB, {
        "Ocp-Apim-Subscription-Key": "k",
        "X-Webhook-URL": hook,
      });
    const { json } = await submit(url);
    await submit("https://example.com/hook");
    await submit("http://127.0.0.1:1/nobody");
    await submit("not an address");
    expect(clock.pending).toBe(2);
    await clock.advance(10_000);
    while (received.length === 0) await settle();
    const status = (await get(json.polling_url)).json;
    expect(status.status).toBe("COMPLETED");
    expect(received).toStrictEqual([status]);
  });

  it("come to the address in the body, once even if the header names it too", async () => {
    const { sandbox, clock } = await openSandbox();
    const { url, received } = await receiver();
    const image_urls = ["https://example.com/a.png"];
    const submit = (body: object) =>
      post(
        sandbox.origin + PATHS.lora,
        { prompt: "x", image_urls, webhook: url, ...body },
        { "Ocp-Apim-Subscription-Key": "k", ...("header" in body && { "X-Webhook-URL": url }) },
      );
    await submit({ header: true });
    await submit({ webhook_events_filter: ["complete"] });
    await submit({ webhook_events_filter: ["start"] });
    await clock.advance(10_000);
    while (received.length < 2) await settle();
    await settle(20);
    expect(received).toHaveLength(2);
  });
});

describe("callbacks that go wrong", () => {
  const submit = async (fault: Fault) => {
    const opened = await openSandbox();
    opened.sandbox.faults.add(fault);
    const { url, received } = await receiver();
    const { json } = await post(opened.sandbox.origin + PATHS.turbo, JOB, {
      "Ocp-Apim-Subscription-Key": "k",
      "X-Webhook-URL": url,
    });
    const said = () => received.map((body) => [Object(body).request_id, Object(body).status]);
    return { ...opened, received, said, requestId: json.request_id };
  };
  const passed = async (
    { clock, received }: { clock: FakeClock; received: unknown[] },
    ms: number,
    count: number,
  ) => {
    await clock.advance(ms);
    while (received.length < count) await settle();
    await settle(20);
  };

  it("never come", async () => {
    const one = await submit({ kind: "webhook-never" });
    await passed(one, 60_000, 0);
    expect(one.said()).toEqual([]);
  });

  it("come twice", async () => {
    const one = await submit({ kind: "webhook-twice" });
    await passed(one, 60_000, 2);
    const end = [one.requestId, "COMPLETED"];
    expect(one.said()).toEqual([end, end]);
  });

  it("come late", async () => {
    const one = await submit({ kind: "webhook-late", ms: 60_000 });
    await passed(one, 60_000, 0);
    expect(one.said()).toEqual([]);
    await passed(one, 60_000, 1);
    expect(one.said()).toEqual([[one.requestId, "COMPLETED"]]);
  });

  it("come early, before the request is answered", async () => {
    const one = await submit({ kind: "webhook-early" });
    expect(one.said()).toEqual([[one.requestId, "COMPLETED"]]);
    await passed(one, 60_000, 1);
    expect(one.said()).toHaveLength(1);
  });

  it("come out of order", async () => {
    const one = await submit({ kind: "webhook-out-of-order" });
    await passed(one, 60_000, 3);
    expect(one.said().map(([, status]) => status)).toEqual(["COMPLETED", "PROCESSING", "QUEUED"]);
  });

  it("come with lies before the truth", async () => {
    const one = await submit({ kind: "webhook-forged" });
    await passed(one, 60_000, 4);
    const [lie, failed, page, truth] = one.said();
    const [other, completed] = lie ?? [];
    expect(other).not.toBe(one.requestId);
    expect(completed).toBe("COMPLETED");
    expect(failed).toEqual([one.requestId, "FAILED"]);
    expect(page).toEqual([undefined, undefined]);
    expect(truth).toEqual([one.requestId, "COMPLETED"]);
  });
});
