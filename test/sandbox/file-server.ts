import { createServer } from "node:http";
import { onTestFinished } from "vitest";

/** Serves bytes on loopback under an address of its own until the test ends. */
export async function serve(bytes: Buffer, contentType: string, status = 200): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(status, { "Content-Type": contentType }).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return `http://127.0.0.1:${port}/input`;
}
