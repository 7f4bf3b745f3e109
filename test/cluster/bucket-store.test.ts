import { join } from "node:path";
import { describeMediaStore } from "../contracts/media-store.ts";
import { tempDir } from "../support/temp-dir.ts";
import { bucketStore } from "./bucket-opener.ts";

describeMediaStore(
  "the bucket store",
  async () => {
    const place = await tempDir();
    return { place, open: () => bucketStore(place) };
  },
  join(import.meta.dirname, "bucket-opener.ts"),
  "replaced",
);
