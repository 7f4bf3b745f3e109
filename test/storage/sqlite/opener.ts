import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteThreadStore } from "../../../src/storage/sqlite/sqlite-thread-store.ts";
import type { Stores } from "../../contracts/kit.ts";

/** Opens what the contract suites look at, in this process or in another. @param place a folder. */
export async function open(place: string): Promise<Stores> {
  const jobs = new SqliteJobStore(place);
  const threads = new SqliteThreadStore(jobs.connection);
  const hurry = () => void jobs.connection.all("PRAGMA synchronous=OFF", []);
  return { jobs, threads, hurry };
}
