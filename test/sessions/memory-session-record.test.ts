import { MemorySessionRecord } from "../../src/sessions/memory-session-record.ts";
import { describeSessionRecord } from "../contracts/session-record.ts";

describeSessionRecord(async () => {
  const record = new MemorySessionRecord();
  return [record, record];
});
