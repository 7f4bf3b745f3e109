import { dollars, prices } from "./forms.ts";

/* What things cost, and what may be spent. */

export const MONEY = {
  prices: {
    env: "LONGCAT_MCP_PRICES",
    guardsMoney: true,
    help: "prices of image operations that you know better, as JSON: tool name to US dollars",
    unset: "the printed ones",
    schema: prices,
  },
  budgetPerDay: {
    env: "LONGCAT_MCP_BUDGET_USD_PER_DAY",
    guardsMoney: true,
    help: "what jobs may cost in a UTC day, in US dollars",
    unset: "no limit",
    schema: dollars,
  },
  budgetPerMonth: {
    env: "LONGCAT_MCP_BUDGET_USD_PER_MONTH",
    guardsMoney: true,
    help: "what jobs may cost in a UTC month, in US dollars",
    unset: "no limit",
    schema: dollars,
  },
  confirmAbove: {
    env: "LONGCAT_MCP_CONFIRM_ABOVE_USD",
    guardsMoney: true,
    help: "a start that is known to be dearer is asked for; where the client lets nobody be asked, it is refused unless its max_cost_usd allows it",
    default: "1",
    schema: dollars,
  },
} as const;
