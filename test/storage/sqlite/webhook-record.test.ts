import { join } from "node:path";
import { describeWebhookRecord } from "../../contracts/webhook-record.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { open } from "./opener.ts";

describeWebhookRecord({ place: tempDir, open, opener: join(import.meta.dirname, "opener.ts") });
