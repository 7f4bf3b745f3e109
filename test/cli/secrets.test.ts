import { describe, expect, it } from "vitest";
import { secretsOf } from "../../src/cli/secrets.ts";
import { createRedact } from "../../src/core/redact.ts";
import { readSettings } from "../../src/settings/settings.ts";

const BUCKET = "s3://files/made?endpoint=https://s3.example.com&region=eu-central-1";

/** What is set, by the word that nobody may read of it. */
const SET: Readonly<Record<string, Record<string, string>>> = {
  "image-key-0123": { PIXAZO_API_KEY: "image-key-0123" },
  "chat-key-0123": { LONGCAT_API_KEY: "chat-key-0123" },
  "pass-word": { LONGCAT_MCP_DATABASE_URL: "postgres://me:pass-word@db.example/longcat" },
  "pass word": { LONGCAT_MCP_DATABASE_URL: "postgres://me:pass%20word@db.example/longcat" },
  "secret-of-bucket": {
    LONGCAT_MCP_MEDIA_URL: BUCKET,
    AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret-of-bucket",
  },
  "word-of-proxy": { HTTPS_PROXY: "http://me:word-of-proxy@proxy.example:8080" },
};

describe("what nobody may read", () => {
  it.each(Object.entries(SET))("is taken out of what is written: %s", (secret, env) => {
    const settings = readSettings({
      env: { HOME: "/home/somebody", LONGCAT_MCP_SANDBOX: "1", ...env },
      flags: {},
      platform: "linux",
      workingDir: "/tmp",
      readFile: () => "",
    });
    expect(createRedact(secretsOf(settings))(`it failed: ${secret}`)).not.toContain(secret);
  });
});
