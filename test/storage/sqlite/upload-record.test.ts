import { join } from "node:path";
import { describeUploadRecord } from "../../contracts/upload-record.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { open } from "./opener.ts";

describeUploadRecord({ place: tempDir, open, opener: join(import.meta.dirname, "opener.ts") });
