import { join } from "node:path";
import { describeQuestionRecord } from "../../contracts/question-record.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { open } from "./opener.ts";

describeQuestionRecord({ place: tempDir, open, opener: join(import.meta.dirname, "opener.ts") });
