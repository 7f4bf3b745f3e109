// Loaded into a program under test that has a channel to it: tells whether compiled code was taken,
// and, when it is asked, how much room V8 has for new objects before and after many have lived on.
const { getHeapSpaceStatistics } = require("node:v8");
const vm = require("node:vm");

const ROUNDS = 8;
const OBJECTS = 200_000;

vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    if (options?.cachedData) process.send({ isTaken: !this.cachedDataRejected });
  }
};

function roomBytes() {
  return getHeapSpaceStatistics().find((one) => one.space_name === "new_space").space_size;
}

process.on("message", () => {
  const before = roomBytes();
  for (let round = 0; round < ROUNDS; round++) Array.from({ length: OBJECTS }, (_, n) => ({ n }));
  process.send({ before, after: roomBytes() });
});
process.channel.unref();
