import * as z from "zod";
import { knownAs } from "../models/facts.ts";

/** How many entries of a list one answer brings, unless it is told otherwise. */
export const DEFAULT_PAGE = 20;
const MAX_PAGE = 100;

/** What every tool that lists takes. */
export const pageArguments = () => ({
  limit: z.int().min(1).max(MAX_PAGE).optional().describe(`Default ${DEFAULT_PAGE}`),
  cursor: knownAs(z.string(), { reference: "id" }).optional().describe("Earlier next_cursor"),
});
