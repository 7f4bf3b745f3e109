import type { Fault } from "../../src/sandbox/sandbox-server.ts";
import { openSandbox, post } from "./client.ts";
import { PATHS } from "./examples.ts";

export const JOB = { prompt: "A lighthouse", image_size: "landscape_4_3" };

export async function openWith(...faults: Fault[]) {
  const opened = await openSandbox();
  for (const fault of faults) opened.sandbox.faults.add(fault);
  const submit = (prompt = JOB.prompt, headers?: Record<string, string>) =>
    post(opened.sandbox.origin + PATHS.turbo, { ...JOB, prompt }, headers);
  const charged = () => opened.sandbox.requests().filter((request) => request.charged).length;
  return { ...opened, submit, charged };
}
