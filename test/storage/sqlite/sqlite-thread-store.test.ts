import { join } from "node:path";
import { describeThreadStore } from "../../contracts/thread-store.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { open } from "./opener.ts";

describeThreadStore({ place: tempDir, open, opener: join(import.meta.dirname, "opener.ts") });
