import { join } from "node:path";
import { describeHostingRecord } from "../../contracts/hosting-record.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { open } from "./opener.ts";

describeHostingRecord({ place: tempDir, open, opener: join(import.meta.dirname, "opener.ts") });
