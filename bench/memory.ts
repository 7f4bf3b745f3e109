import { spawn } from "node:child_process";
import { once } from "node:events";
import { median, Program, residentBytes } from "./child.ts";

const SETTLE_MS = 150;
const BARE_SERVER =
  "require('node:http').createServer((q,s)=>s.end()).listen(0,'127.0.0.1',()=>console.log('up'))";

/** Calls of a session, most of which only look. */
const CHAT = ["spending", "job_list", "image_models", "chat_threads"];
const CALLS = 100;

export interface MemoryFigures {
  serverBytes: number;
  bareBytes: number;
  /** After a session of calls. */
  usedBytes: number;
}

/**
 * Resident memory after `tools/list` and after a session of a hundred calls, beside that of a Node
 * HTTP server that does nothing.
 */
export async function measureMemory(
  cli: string,
  env: Record<string, string>,
  rounds: number,
): Promise<MemoryFigures> {
  const server: number[] = [];
  const bare: number[] = [];
  const used: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const program = new Program([cli], env);
    await program.initialize();
    await program.request("tools/list");
    await pause();
    server.push(program.residentBytes());
    for (let n = 0; n < CALLS; n++) {
      await program.request("tools/call", { name: CHAT[n % CHAT.length], arguments: {} });
    }
    await pause();
    used.push(program.residentBytes());
    await program.end();

    const child = spawn(process.execPath, ["-e", BARE_SERVER], {
      env: { PATH: process.env["PATH"] ?? "" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    await pause();
    bare.push(residentBytes(child.pid ?? 0));
    child.kill("SIGKILL");
    await once(child, "close");
  }
  return { serverBytes: median(server), bareBytes: median(bare), usedBytes: median(used) };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
