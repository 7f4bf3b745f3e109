import { describe, expect, it } from "vitest";
import { bucketSecrets } from "../../src/settings/bucket-settings.ts";
import { check } from "../support/settings.ts";

const URL_OF = (bucket: string) =>
  `s3://${bucket}/pre?endpoint=https://s3.example.com&region=eu-central-1`;
const MEDIA = { LONGCAT_MCP_MEDIA_URL: URL_OF("media") };
const HOSTING = { LONGCAT_MCP_HOSTING_URL: URL_OF("hosting") };
const KEYS = { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "a/secret+of=40" };

/** The buckets that settings name, and what is wrong. */
function read(env: Record<string, string>) {
  const { settings, problems } = check(env);
  const { mediaBucket, hostingBucket } = settings;
  return {
    problems,
    media: mediaBucket?.address.bucket,
    hosting: hostingBucket?.address.bucket,
    keys: (mediaBucket ?? hostingBucket)?.keys,
    prefix: (mediaBucket ?? hostingBucket)?.address.prefix,
    secrets: bucketSecrets(settings),
  };
}

describe("the settings of buckets", () => {
  it("name none, whatever other programs' keys are set", () => {
    const none = { problems: [], media: undefined, hosting: undefined, secrets: [] };
    expect(read({})).toMatchObject(none);
    expect(read({ ...KEYS, AWS_SESSION_TOKEN: "has a blank" })).toMatchObject(none);
    expect(
      read({ AWS_SECRET_ACCESS_KEY_FILE: "/nowhere", AWS_ACCESS_KEY_ID: "<yours>" }),
    ).toMatchObject(none);
    expect(check({ AWS_ACCESS_KEY_ID: "<yours>" }).notes).toEqual([]);
  });

  it("host in the bucket of finished files, or in another that beats it", () => {
    expect(read({ ...MEDIA, ...KEYS })).toMatchObject({ media: "media", hosting: "media" });
    expect(read({ ...HOSTING, ...KEYS })).toMatchObject({ media: undefined, hosting: "hosting" });
    expect(read({ ...MEDIA, ...HOSTING, ...KEYS })).toMatchObject({
      media: "media",
      hosting: "hosting",
    });
  });

  it("have the keys, of which one is a secret", () => {
    const { keys, secrets } = read({ ...MEDIA, ...KEYS, AWS_SESSION_TOKEN: "lent" });
    expect(keys).toEqual({
      accessKeyId: "AKIAEXAMPLE",
      secretAccessKey: "a/secret+of=40",
      sessionToken: "lent",
    });
    expect(new Set(secrets)).toEqual(new Set(["a/secret+of=40"]));
    expect(read({ ...MEDIA, ...KEYS }).keys?.sessionToken).toBeUndefined();
  });

  it("keep the sandbox apart", () => {
    expect(read({ ...MEDIA, ...KEYS, LONGCAT_MCP_SANDBOX: "on" }).prefix).toBe("pre/sandbox");
    expect(read({ ...MEDIA, ...KEYS }).prefix).toBe("pre");
  });

  it.each([
    [
      MEDIA,
      /^LONGCAT_MCP_MEDIA_URL needs AWS_ACCESS_KEY_ID, or AWS_ACCESS_KEY_ID_FILE, which is not set\.$/,
    ],
    [
      { ...HOSTING, AWS_ACCESS_KEY_ID: "a" },
      /^LONGCAT_MCP_HOSTING_URL needs AWS_SECRET_ACCESS_KEY/,
    ],
    [{ ...MEDIA, ...KEYS, AWS_SESSION_TOKEN: "a b" }, /^AWS_SESSION_TOKEN holds blanks/],
    [{ ...MEDIA, ...KEYS, AWS_SECRET_ACCESS_KEY: "sé" }, /^AWS_SECRET_ACCESS_KEY holds blanks/],
    [{ ...KEYS, LONGCAT_MCP_MEDIA_URL: "files" }, /^LONGCAT_MCP_MEDIA_URL must be like s3:/],
    [{ ...KEYS, LONGCAT_MCP_MEDIA_URL: "s3://files" }, /must say where its server is/],
    [{ ...KEYS, LONGCAT_MCP_HOSTING_URL: "s3://files?region=a&x=1" }, /has a parameter "x"/],
  ])("%j are wrong", (env, expected) => {
    expect(read(env).problems[0]).toMatch(expected);
  });

  it.each([
    { LONGCAT_MCP_MEDIA_URL: "s3://AKIAEXAMPLE:hidden-word@files?region=a" },
    { LONGCAT_MCP_MEDIA_URL: "s3://files?region=a&secret=hidden-word" },
    { LONGCAT_MCP_MEDIA_URL: "hidden-word" },
    { ...MEDIA, AWS_ACCESS_KEY_ID: "hidden-word", AWS_SECRET_ACCESS_KEY: "hidden-word and more" },
  ])("that are wrong are told without their values (%#)", (env) => {
    const { problems } = read({ ...KEYS, ...env });
    expect(problems).toHaveLength(1);
    expect(problems[0]).not.toContain("hidden-word");
  });
});
