import { join } from "node:path";
import { describeJobStore } from "../../contracts/job-store.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { open } from "./opener.ts";

describeJobStore({ place: tempDir, open, opener: join(import.meta.dirname, "opener.ts") });
