// Holds the program against its own rules of structure: part of `npm run check`.
import { complaints } from "./architecture/check.ts";
import { HOUSE } from "./architecture/house.ts";
import { readModules } from "./architecture/modules.ts";
import { sizeComplaints } from "./architecture/sizes.ts";

const [program, tests] = [await readModules(".", "src"), await readModules(".", "test")];
const found = [...complaints(program, HOUSE), ...sizeComplaints(program, tests, HOUSE)];
for (const complaint of found) process.stderr.write(`${complaint}\n`);
process.exitCode = found.length === 0 ? 0 : 1;
