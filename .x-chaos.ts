import { chaos } from "./src/sim/chaos.ts";

let bad = 0;
const t = Date.now();
let n = 0;
for (let seed = 7_000_000; Date.now() - t < 150_000; seed++, n++) {
  const r = chaos({ seed, nodes: 12, config: seed % 2 ? { leftMs: 3_000, deadMs: 20_000 } : {} });
  if (r.faults.length) {
    bad++;
    console.log(seed, r.faults.slice(0, 3));
  }
}
console.log(n, "seeds", bad, "bad");
