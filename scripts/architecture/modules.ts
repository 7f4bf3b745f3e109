import { readFile } from "node:fs/promises";
import { dirname, posix } from "node:path";
import { glob } from "node:fs/promises";
