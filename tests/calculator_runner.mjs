// Reads {plans: {name: plan}, cases: [[name, case], …]} from stdin; answers what assess says.
import { readFileSync } from "node:fs";
const { assess } = await import(process.argv[2]);
const write = (key, value) => (typeof value == "bigint" ? String(value) : value);
const { plans, cases } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(cases.map(([name, one]) => assess(plans[name], one)), write));
