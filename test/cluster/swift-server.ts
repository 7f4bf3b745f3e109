import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { BucketAddress, BucketKeys } from "../../src/core/bucket-address.ts";
import { BucketSigner, NOTHING_SHA256 } from "../../src/gateway/bucket-signer.ts";
import { addressOf } from "./test-bucket.ts";
import { unprivileged } from "./unprivileged.ts";

const USER = "longcat";
const SECRET = "only/for+tests=";
const REGION = "eu-central-1";

/** An S3 server with a bucket in it. */
export interface BucketServer {
  /** As LONGCAT_MCP_MEDIA_URL names the bucket, without a prefix. */
  mediaUrl: string;
  keys: BucketKeys;
}

/** An S3 server of our own, on loopback, for as long as a test runs. */
export interface SwiftServer extends BucketServer {
  /** To freeze it, for one. */
  pid: number;
  remove: () => Promise<void>;
}

/** Starts OpenStack Swift with its S3 API, never as root, and makes a bucket there. */
export async function startSwift(bucket = "files"): Promise<SwiftServer> {
  const folder = await mkdtemp(join(tmpdir(), "longcat-swift-"));
  await chmod(folder, 0o700);
  const as = await unprivileged("swift");
  if (as.uid !== undefined && as.gid !== undefined) await chown(folder, as.uid, as.gid);
  // As text, since whoever runs it may not read this folder.
  const script = await readFile(resolve("test/cluster/swift_server.py"), "utf8");
  const child = spawn("/usr/bin/python3", ["-B", "-c", script, folder, USER, SECRET], {
    ...as,
    cwd: folder,
    env: { PATH: "/usr/bin:/bin", HOME: folder, LC_ALL: "C.UTF-8" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const isOver = once(child, "exit");
  let said = "";
  child.stderr.on("data", (bytes) => {
    said += bytes;
  });
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (bytes) => resolve(String(bytes).trim()));
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${said}\n${HOW_TO_INSTALL}`)));
  });
  const mediaUrl = `s3://${bucket}?endpoint=http://127.0.0.1:${port}&region=${REGION}`;
  const keys = { accessKeyId: `test:${USER}`, secretAccessKey: SECRET, sessionToken: undefined };
  await makeBucket(addressOf(mediaUrl), keys);
  return {
    mediaUrl,
    keys,
    pid: child.pid ?? 0,
    async remove() {
      child.kill("SIGCONT");
      child.kill("SIGKILL");
      await isOver;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const HOW_TO_INSTALL =
  "OpenStack Swift is not installed: `apt-get install --no-install-recommends swift-proxy swift-account swift-container swift-object`, or set TEST_MEDIA_URL with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";

async function makeBucket(address: BucketAddress, keys: BucketKeys): Promise<void> {
  const signer = new BucketSigner(address, keys);
  const { url, headers } = await signer.sign({ method: "PUT", sha256: NOTHING_SHA256 }, Date.now());
  const reply = await fetch(url, { method: "PUT", headers });
  if (!reply.ok) throw new Error(`No bucket was made: ${reply.status} ${await reply.text()}`);
}
