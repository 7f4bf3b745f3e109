/**
 * Who calls where nothing tells callers apart: the one user of this machine. Only who receives
 * calls may say so; everything below is told an owner.
 */
export const LOCAL_OWNER = "local";
