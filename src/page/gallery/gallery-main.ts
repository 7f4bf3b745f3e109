import { Lightbox } from "../viewer/lightbox.ts";
import { dressJob } from "./dressed-job.ts";
import { growing } from "./growing.ts";
import { listen } from "./news.ts";
import { startProgress } from "./progress.ts";

/* The one script of the gallery. Every page works without it; with it pages grow, follow jobs, and
   open pictures in full. */

const lightbox = new Lightbox(document.body);
startProgress(window);
dressJob(document, lightbox);
growing(window);
listen(window, () => dressJob(document, lightbox));
