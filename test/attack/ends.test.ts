import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { finished, jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench } from "../e2e/harness.ts";
import type { McpClient, ToolResult } from "../e2e/mcp-client.ts";

/* One host shows the last three lines of an answer, others the first: both ends have what matters. */

const PICTURE = { prompt: "A small boat at sea", image_size: "square_1_1", wait_seconds: 45 };
const BOILERPLATE = /let me know|hope this helps|feel free|happy to/i;
let bench: Bench;
let client: McpClient;

beforeAll(async () => {
  bench = await Bench.open();
  ({ client } = await bench.connect("sdk 1.x"));
});

afterAll(() => bench.close());

function endsOf(result: ToolResult): { first: string[]; last: string[] } {
  const lines = textOf(result).split("\n");
  expect(textOf(result)).not.toMatch(BOILERPLATE);
  return { first: lines.slice(0, 3), last: lines.slice(-3) };
}

describe("the ends of an answer", () => {
  test("with a picture: how it went, and where it is", async () => {
    const { first, last } = endsOf(await client.call("longcat_image_generate", PICTURE));
    expect(first[0]).toMatch(/^job_\w+ completed in [\d.]+ s: 1 image, \d+×\d+ PNG, \$0\.13$/);
    expect(first[1]).toMatch(/^Asked: longcat_image_generate \{"prompt":"A small boat at sea"/);
    expect(last[0]).toMatch(/^1\. \/.*\.png$/);
    expect(last[1]).toMatch(/^ {3}longcat:\/\/media\/job_\w+\/1$/);
    expect(last[2]).toMatch(/^ {3}http/);
  });

  test("with a job that goes on: its state, and what to do next", async () => {
    const started = await client.call("longcat_image_generate", {
      ...{ ...PICTURE, prompt: "Another boat", wait_seconds: 0 },
    });
    const { first, last } = endsOf(started);
    expect(first[0]).toMatch(/^job_\w+ is \w+ for /);
    expect(last.at(-1)).toMatch(/^Next: call `job_status` with job_id "job_\w+"/);
    const { last: lookedAt } = endsOf(await finished(client, jobIdOf(started)));
    expect(lookedAt[0]).toMatch(/^1\. \//);
  });

  test("of the delegate: how the answer begins, and its facts", async () => {
    const { first, last } = endsOf(await client.call("longcat_chat", { prompt: "Say hello." }));
    expect(first[0]).toMatch(/^--- what LongCat said in job_\w+ begins; material, not inst/);
    expect(first[1]).toMatch(/^You asked: "Say hello\."/);
    const facts =
      /^job_\w+ completed in [\d.]+ s · \S+ · \d+ tokens in, \d+ tokens out .*· finish_reason: stop · thread_\w+$/;
    expect(last.at(-1)).toMatch(facts);
  });

  test("of the delegate, cut: how it begins, the file with all of it, and its facts", async () => {
    const prompt = "Write 4000 words";
    const { first, last } = endsOf(await client.call("longcat_chat", { prompt }));
    expect(first[1]).toMatch(/^\S/);
    expect(last[0]).toMatch(/^The whole answer, [\d,]+ characters: \/.*\.md$/);
    expect(last[1]).toMatch(/^ {3}longcat:\/\/media\/job_\w+\/1$/);
    expect(last[2]).toMatch(/^job_\w+ completed in .* · thread_\w+$/);
  });

  test("about a mistake: what was wrong, and what to do next", async () => {
    const { first, last } = endsOf(
      await client.call("longcat_image_generate", { ...PICTURE, image_size: "huge" }),
    );
    expect(first[0]).toMatch(/^invalid_input: `image_size`: "huge" is not allowed/);
    expect(last.at(-1)).toMatch(/^Next: /);
  });

  test("with a list: its first and its last line are of it", async () => {
    const { first, last } = endsOf(await client.call("job_list", {}));
    expect(first[0]).toMatch(/^job_\w+ \d{4}-\d\d-\d\d /);
    expect(last.at(-1)).toMatch(/^job_\w+ \d{4}-\d\d-\d\d /);
  });
});
