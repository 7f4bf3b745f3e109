import { dirname, sep } from "node:path";
import { isPrivatePlace, systemHome } from "../core/private-places.ts";
import type { Choice, Question } from "../core/question.ts";
import { oneLine } from "../core/text.ts";

/** What a place is opened for: a file to read, a folder with all in it to read, a folder to save in. */
export const PLACE_NEEDS = ["read-file", "read-folder", "save"] as const;
export type PlaceNeed = (typeof PLACE_NEEDS)[number];

export const ONCE = "once";
export const ALWAYS = "always";

const MAX_SHOWN = 600;

/** A place outside the allowed folders, all its links followed. */
export interface OpenedPlace {
  need: PlaceNeed;
  path: string;
}

/** The question whether a place may be used that no setting allows. @param homeDir the user's */
export function placeQuestion({ need, path }: OpenedPlace, homeDir: string): Question {
  const folder = folderOf({ need, path });
  const mayStay = !isHidden(folder) && !isPrivatePlace(folder, [homeDir, ...systemHome()]);
  const isSave = need === "save";
  const what = need === "read-file" ? "Read a file" : "Read all files in a folder";
  const used = isSave ? "what is saved" : "other files";
  return {
    key: `${need} ${path}`,
    text: [
      `${isSave ? "Save in a folder" : what} outside the allowed folders?`,
      oneLine(path, MAX_SHOWN),
      ...(mayStay
        ? [
            `“${ALWAYS}” allows ${used} in ${oneLine(folder, MAX_SHOWN)} from now on; \`longcat-mcp folders\` takes that back.`,
          ]
        : []),
    ].join("\n"),
    isAboutMoney: false,
    ...(mayStay && { choice: HOW_LONG }),
  };
}

const HOW_LONG: Choice = { title: "How long", values: [ONCE, ALWAYS], preset: ONCE };

/** What a question of this file was about; `undefined` for any other. */
export function placeOf(key: string): OpenedPlace | undefined {
  const need = PLACE_NEEDS.find((one) => key.startsWith(`${one} `));
  return need && { need, path: key.slice(need.length + 1) };
}

/** The folder that is opened with a place, where it is for good. */
export function folderOf({ need, path }: OpenedPlace): string {
  return need === "read-file" ? dirname(path) : path;
}

/** Programs keep what nobody means to show them, or what they would obey, in hidden folders. */
export function isHidden(path: string): boolean {
  return path.split(sep).some((name) => name.startsWith("."));
}
