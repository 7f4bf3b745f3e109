// Preloaded by a program whose machine has a clock that is ten minutes ahead.
const { now } = Date;
Date.now = () => now() + 600_000;
