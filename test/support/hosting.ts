import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { HostedFolder } from "../../src/inputs/hosted-folder.ts";
import { type HostingOptions, OwnHosting } from "../../src/inputs/hosting.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { FolderLock } from "../../src/storage/sqlite/folder-lock.ts";
import { SqliteHostingRecord } from "../../src/storage/sqlite/hosted-record.ts";
import { tempDir } from "./temp-dir.ts";
import { silentLog } from "./tool-deps.ts";

/** Hosting as a process of the program has it, on a folder that several may share. */
export async function openHosting(options: Partial<HostingOptions> & { data?: string } = {}) {
  const data = options.data ?? (await tempDir());
  const holder = "this-process";
  const clock = options.clock ?? systemClock;
  const isGone = options.isGone ?? (() => false);
  const folder = new HostedFolder(join(data, "hosted"), holder);
  const connection = new Connection(data);
  onTestFinished(() => connection.close());
  const hosting = new OwnHosting({
    folder,
    record: new SqliteHostingRecord(connection, new FolderLock(join(data, "hosted.lock"), clock), {
      clock,
      holder,
      isGone,
    }),
    address: { url: "https://files.example", require: async () => {} },
    maxBytes: 1024 * 1024,
    isGone,
    clock,
    log: silentLog,
    ...options,
  });
  onTestFinished(() => hosting.close());
  return { data, folder, connection, hosting };
}

/** A listener for a folder's files alone. @returns its origin. */
export async function serveFolder(folder: HostedFolder): Promise<string> {
  const server = createServer((request, response) => {
    void folder.answer(request, response, (request.url ?? "").replace("/files/", ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
