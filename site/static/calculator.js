// The loop of rules.assess for one claim: whole fen as BigInt, the plan as the page gives it.
// `assess` is pure and held to the same figures as rules.py; below it is the form that asks.
const total = (fens) => fens.reduce((a, b) => a + b, 0n);
const least = (a, b) => (a < b ? a : b);
const round = (name, n) => {
  const unit = name.endsWith("yuan") ? 100n : 1n, d = 10000n * unit;
  return (name[0] == "h" ? (2n * n + d) / (2n * d) : (name[0] == "d" ? n : n + d - 1n) / d) * unit;
};

// One step's curve F: from fen (or days) to fen; an upper bound belongs to its band.
const bend = (step, leaf, rounding, s) => {
  const form = step.form;
  if (leaf.map) {
    let owed = 0n, lower = 0n;
    for (const [upper, value] of leaf) {
      const top = upper == null ? s : least(s, BigInt(upper)), rate = BigInt(value);
      if (top == s && form == "amount") return rate;
      owed = step.whole ? s * rate : owed + (top - lower) * rate;
      lower = top;
      if (top == s) return round(rounding, owed);
    }
  }
  leaf = BigInt(leaf);
  if (form == "daily") {
    const days = s - BigInt(step.days_after ?? 0);
    return days < 0n ? 0n : leaf * least(days, BigInt(step.days_limit ?? 1e9));
  }
  if (form == "deductible") return s > leaf ? s - leaf : 0n;
  if (form == "threshold") return s > leaf ? s : 0n;
  if (form == "minimum") return s > leaf ? s : leaf;
  return form == "amount" ? leaf : least(s, leaf);
};

// A row of a table by a fact: the value itself, or the span (`2-4`, `5以上`) that holds it.
const row = (table, value) => table[value] ?? Object.entries(table).find(([key]) => {
  const [low, high] = key.split("-");
  return +value >= parseInt(low) && (key.endsWith("以上") || +value <= +high);
})?.[1];

// → {benefit, steps, refused: [field, …]}; the amounts of `claim` and its stays are BigInt fen.
export const assess = (plan, facts, claim) => {
  const refused = [], steps = [], sums = new Map(), paid = {}, bases = {};
  const { stays } = claim, units = stays ?? [claim];
  const benefits = plan.benefit.filter(({ event }) => event == (claim.event ?? "stay"));
  const fail = (name) => (refused.push(name), 0n);
  const sum = (names, unit) => total(names.map((name) => {
    const parts = plan.base[name];
    return unit[name] >= 0n ? unit[name] : unit[name] == null && parts?.every((part) => unit[part] >= 0n) ? sum(parts, unit) : fail(name);
  }));
  const apply = (owner, step, x, n, base, of) => {
    let leaf = step.table, fed = x;
    for (const name of step.by) {
      leaf = row(leaf, units[n ?? -1]?.[name] ?? claim[name] ?? facts[name]);
      if (leaf == null) return fail(name);
    }
    const { form, per } = step;
    if (form == "daily") fed = total((n == null ? units : [units[n]]).map(({ days }) => days >= 0 ? BigInt(days) : fail("days")));
    if (form == "reviewer_up_to") fed = sum(["proposed"], claim);
    const spans = step.of || !/stay|claim/.test(per), prior = (spans && sums.get(step)) || 0n;
    const curve = (s) => bend(step, leaf, step.rounding ?? plan.rounding, s);
    let after = curve(prior + fed) - (spans ? curve(prior) : 0n);
    sums.set(step, prior + fed);
    if (base == 0n && form == "minimum") after = x;
    if (base == 0n && form == "amount" && of && !leaf.map) after = 0n;
    if (form == "reviewer_up_to" && of) after = least(after, x);
    steps.push({ benefit_id: owner, stay: (stays && n) ?? null, name: step.name, before: x, prior: per == "stay" ? null : prior, after, clause: step.clause });
    return after;
  };
  const pools = plan.pool.map((pool) => ({ ...pool, by: [], form: "cap" in pool ? "cap" : "deductible", table: pool.cap ?? pool.deductible }));
  if (!benefits.length) fail("event");
  for (const { id, of, less } of benefits) {
    const taken = less.filter((name) => name != "paid");
    bases[id] = units.map((unit) => {
      const base = sum(of, unit) - sum(taken, unit);
      return base < 0n ? fail(taken[0]) : base;
    });
  }
  for (const pool of pools) {
    if (pool.form != "cap" && !refused.length) units.forEach((_, n) => {
      if (pool.per == "stay") sums.delete(pool);
      for (const { id, of } of benefits) {
        if (of.length && pool.of.includes(id)) bases[id][n] = apply(id, pool, bases[id][n], n);
      }
    });
  }
  for (const { id, of, less, step } of refused.length ? [] : benefits) {
    const each = step.filter(({ per }) => per == "stay");
    let start = total(bases[id]);
    if (!each.length && less.includes("paid")) {
      start -= claim.paid ?? (Object.keys(paid).length ? total(Object.values(paid)) : sum(["paid"], claim));
      if (start < 0n) start = 0n;
    }
    const flow = each.length ? total(bases[id].map((base, n) => each.reduce((x, s) => apply(id, s, x, n, base, of.length), base))) : start;
    paid[id] = step.slice(each.length).reduce((x, s) => apply(id, s, x, null, start, of.length), flow);
  }
  for (const pool of pools) {
    const members = pool.of.filter((id) => id in paid).reverse();
    if (pool.form != "cap" || !members.length) continue;
    const before = total(members.map((id) => paid[id]));
    let over = before - apply(pool.id, pool, before);
    for (const id of members) {
      const cut = least(over, paid[id]);
      paid[id] -= cut;
      over -= cut;
    }
  }
  return refused.length ? { benefit: 0n, steps: [], refused } : { benefit: total(Object.values(paid)), steps, refused };
};

export const fen = (text) => {
  const [, yuan, cents = ""] = /^(\d+)(?:\.(\d{1,2}))?$/.exec(text.replace(/[,，元\s]/g, "")) ?? [];
  return yuan && BigInt(yuan + cents.padEnd(2, 0));
};
export const yuan = (n) => `${(n / 100n).toLocaleString("en")}.${`${n % 100n}`.padStart(2, 0)}`;

const form = globalThis.document?.getElementById("calculator");
if (form) {
  const plan = JSON.parse(document.getElementById("plan").textContent);
  const answer = document.getElementById("answer"), event = form.dataset.event;
  const all = (query, box = form) => [...box.querySelectorAll(query)];
  const read = (box) => Object.fromEntries(all("[name]", box).filter((field) => field.value.trim() && field.closest("[data-box]") == box).map((field) => {
    const value = field.dataset.kind == "amount" ? fen(field.value) ?? -1n : field.value.trim();
    field.ariaInvalid = value < 0;
    return [field.name, value];
  }));
  const say = (tag, words, box = answer) => box.appendChild(Object.assign(document.createElement(tag), { textContent: words }));
  const show = () => {
    const facts = read(form), claim = { event, ...facts };
    for (const part of all("[data-events]")) part.hidden = !part.dataset.events.split(" ").includes(claim.event);
    if (claim.event == "stay") claim.stays = all("[data-stay]").map(read);
    const { benefit, steps, refused } = assess(plan, facts, claim);
    answer.replaceChildren();
    if (refused.length) return say("p", `请填写${[...new Set(refused)].map((name) => form.querySelector(`[name=${name}]`)?.dataset.label ?? name).join("、")}（金额以元为单位，最多两位小数）`);
    say("p", `测算互助金 ${yuan(benefit)} 元`);
    const list = say("ol", "");
    for (const { stay, name, before, after } of steps) say("li", `${stay ? `第${stay + 1}次住院，` : ""}${name}：${yuan(before)}元 → ${yuan(after)}元`, list);
  };
  form.hidden = false;
  form.oninput = show;
  form.onsubmit = () => false;
  form.onclick = ({ target }) => {
    if (!target.matches("[data-add]")) return;
    const last = all("[data-stay]").at(-1), next = last.cloneNode(true);
    for (const field of all("input", next)) field.value = "";
    last.after(next);
    next.querySelector("[name]").focus();
    show();
  };
  show();
}
