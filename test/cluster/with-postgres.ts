import { startPostgres } from "./postgres-server.ts";

/** One server for all files of the project, unless there is one already. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env["TEST_DATABASE_URL"] !== undefined) return undefined;
  const server = await startPostgres();
  process.env["TEST_DATABASE_URL"] = server.url;
  return async () => {
    delete process.env["TEST_DATABASE_URL"];
    await server.remove();
  };
}
