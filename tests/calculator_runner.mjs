// Reads [{plan, facts, claim}, …] from stdin, amounts as {"fen": "123"}; answers what assess says.
import { readFileSync } from "node:fs";
const { assess, fen, yuan } = await import(process.argv[2]);
const read = (key, value) => (value && typeof value == "object" && "fen" in value ? BigInt(value.fen) : value);
const write = (key, value) => (typeof value == "bigint" ? String(value) : value);
const cases = JSON.parse(readFileSync(0, "utf8"), read);
const answers = cases.map(({ plan, facts, claim, text }) =>
  text === undefined ? assess(plan, facts, claim) : { fen: fen(text) ?? null, back: fen(text) === undefined ? null : yuan(fen(text)) });
process.stdout.write(JSON.stringify(answers, write));
