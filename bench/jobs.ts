import { join } from "node:path";
import * as z from "zod";
import { startSandbox } from "../src/sandbox/sandbox-server.ts";
import { Program } from "./child.ts";
import { keepCompiledCode } from "./start.ts";

const SPEED = 4;
/** Looks half a second to a second apart. */
const POLL_FLOOR_MS = "200";
/** Looking is work of the same process, and not what is measured. */
const LOOK_EVERY_MS = 5_000;
const STATUS_PATH = "/v2/requests/status/";
const UNFINISHED = ["queued", "submitting", "running", "downloading"];

export interface JobsFigures {
  completed: number;
  charged: number;
  looksPerJob: number;
  seconds: number;
  cpuMsPerJob: number;
  peakBytes: number;
}

const listSchema = z.object({
  result: z.object({ structuredContent: z.object({ jobs: z.array(z.unknown()) }) }),
});
const spendingSchema = z.object({
  result: z.object({ structuredContent: z.object({ jobs: z.number() }) }),
});

/** Many purchases at once through one server, to their last file, on the sandbox. */
export async function measureJobs(
  cli: string,
  env: Record<string, string>,
  folder: string,
  jobs: number,
): Promise<JobsFigures> {
  const sandbox = await startSandbox({ speed: SPEED, keepJobs: jobs, keepRequests: jobs * 500 });
  const settings = {
    ...env,
    PIXAZO_BASE_URL: sandbox.origin,
    LONGCAT_MCP_DATA_DIR: join(folder, "jobs"),
    LONGCAT_MCP_POLL_FLOOR_MS: POLL_FLOOR_MS,
  };
  await keepCompiledCode(cli, settings);
  const program = new Program([cli], settings);
  const call = (name: string, args: object) =>
    program.request("tools/call", { name, arguments: args });
  const count = async (state: string) => {
    const page = listSchema.parse(await call("job_list", { state, limit: 1 }));
    return page.result.structuredContent.jobs.length;
  };
  try {
    await program.initialize();
    await call("job_list", {});
    const [startedAt, cpuBefore] = [performance.now(), program.cpuMs()];
    await Promise.all(
      Array.from({ length: jobs }, (_, n) =>
        call("z_image_turbo_generate", {
          prompt: `Picture ${n}`,
          image_size: "square_1_1",
          wait_seconds: 0,
        }),
      ),
    );
    for (;;) {
      const left = await Promise.all(UNFINISHED.map(count));
      if (left.every((n) => n === 0)) break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    const failed = await Promise.all(["failed", "errored", "unknown", "cancelled"].map(count));
    const spending = spendingSchema.parse(await call("spending", {}));
    const requests = sandbox.requests();
    return {
      completed: failed.every((n) => n === 0) ? spending.result.structuredContent.jobs : 0,
      charged: requests.filter((one) => one.charged).length,
      looksPerJob: requests.filter((one) => one.path.startsWith(STATUS_PATH)).length / jobs,
      seconds: (performance.now() - startedAt) / 1000,
      cpuMsPerJob: (program.cpuMs() - cpuBefore) / jobs,
      peakBytes: program.peakBytes(),
    };
  } finally {
    await program.end();
    await sandbox.close();
  }
}
