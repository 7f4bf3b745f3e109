/** The operation of every turn's job, and the name of the tool that starts it. */
export const CHAT_OPERATION = "longcat_chat";

/** How much of an answer a result shows; some hosts show no more than some 12,000 characters. */
export const SHOWN_CHARACTERS = 10_000;
