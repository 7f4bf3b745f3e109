import { join } from "node:path";
import { describeUserStore } from "../../contracts/user-store.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { open } from "./opener.ts";

describeUserStore({ place: tempDir, open, opener: join(import.meta.dirname, "opener.ts") });
