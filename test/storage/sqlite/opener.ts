import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteThreadStore } from "../../../src/storage/sqlite/sqlite-thread-store.ts";
import type { Stores } from "../../contracts/kit.ts";

/** Opens what the contract suites look at, in this process or in another. @param place a folder. */
export async function open(place: string): Promise<Stores> {
  const connection = new Connection(place);
  const jobs = new SqliteJobStore(connection);
  const threads = new SqliteThreadStore(connection);
  const hurry = () => void connection.all("PRAGMA synchronous=OFF", []);
  return { jobs, threads, hurry };
}
