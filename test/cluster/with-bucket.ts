import { startSwift } from "./swift-server.ts";

/** One server for all files of the project, unless there is one already. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env["TEST_MEDIA_URL"] !== undefined) return undefined;
  const server = await startSwift();
  const { accessKeyId, secretAccessKey } = server.keys;
  const own = {
    TEST_MEDIA_URL: server.mediaUrl,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  Object.assign(process.env, own);
  return async () => {
    for (const name of Object.keys(own)) delete process.env[name];
    await server.remove();
  };
}
