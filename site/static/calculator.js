// rules.assess in the browser: the plan as site/calculation.py writes it, and a case as
// `huigong scheme assess --json` takes it. Whole fen, exact: every amount is a BigInt.
// A claim may name its own cover_from: it then belongs to that term.
const least = (a, b) => (a < b ? a : b);
const total = (fens) => fens.reduce((a, b) => a + b, 0n);
const day = (time) => new Date(time).toJSON()?.slice(0, 10);
const after = (date, days) => day(Date.parse(date) + days * 864e5);
export const yuan = (fen) => `${(fen / 100n).toLocaleString("en")}.${`${fen % 100n}`.padStart(2, 0)}元`;
const cut = (paid, ids, more) => {
  for (const id of ids.reverse()) {
    const part = least(-more, paid[id]);
    paid[id] -= part;
    more += part;
  }
};
const known = (names, unit) => names.every((name) => unit[name] != null);
const row = (rows, value) => rows.find(([low, high]) => (low === high ? value == low : Number.isInteger(value) && value >= low && value <= (high ?? value)));

// → [{benefit, steps, refused: {field: words}}, …], for the claims earlier and then those asked.
export const assess = (plan, { claims, earlier, ...given }) => {
  let sums = {}, turn = 0;
  const sum = (key) => sums[key] ?? 0n;
  const add = (key, fen) => (sums[key] = sum(key) + fen);

  return [...(earlier ?? []), ...claims].map((asked) => {
    const before = { ...sums }, steps = [], bases = {}, refused = {}, { base, counts, filing, labels, says } = plan;
    let paid = {};
    const fail = (field, words = says.ask + labels[field]) => ((refused[field] ??= words), 0n);
    const fine = () => !Object.keys(refused).length;
    const read = (holder) => {
      const found = { ...holder };
      for (const name in found) {
        const value = found[name];
        if (value == null) continue;
        if (plan.amounts.includes(name)) {
          const [, whole, cents = ""] = value.match?.(/^(\d+)(?:\.(\d\d?))?$/) ?? [];
          found[name] = whole ? BigInt(whole + cents.padEnd(2, 0)) : void fail(name, labels[name] + says.amount);
        } else if (plan.dates.includes(name) && after(value, 0) != value) found[name] = void fail(name);
      }
      return found;
    };
    const claim = read({ cover_from: given.cover_from ?? given.enrolled_on, ...asked });
    const { cover_from: cover, filed_on: filed, decided } = claim, event = claim.event || "stay";
    const stays = (claim.stays ?? []).map(read), units = stays[0] ? stays : [claim];
    const [y, m, d] = (cover ?? "").split("-").map(Number);
    const end = cover && day(least(Date.UTC(y, m - 1 + plan.months, d - 1), Date.UTC(y, m + plan.months, 0)));
    const left = stays.map(({ discharged }) => discharged).filter(Boolean).sort();
    const year = (left.at(-1) ?? filed)?.slice(0, 4);
    const facts = { year: y, ...given.facts };
    const at = (per, slot, n) => [slot, { stay: turn + "." + n, claim: turn, term: cover, year }[per]];
    turn++;

    const amount = (names, unit) => total(names.map((name) => unit[name] ?? (base[name] && known(base[name], unit) ? amount(base[name], unit) : fail(name))));

    const apply = (owner, { kind, per, ...step }, x, n, base, based) => {
      const words = {}, daily = kind == "daily";
      let leaf = step.table, fed = x;
      for (const name of step.by) {
        words[name] = units[n ?? -1]?.[name] ?? claim[name] ?? facts[name];
        leaf = row(leaf, words[name])?.[2];
        if (!leaf) return fail(name);
      }
      if (daily) fed = total((n == null ? units : [units[n]]).map(({ days }) => (Number.isInteger(days) && days >= 0 ? BigInt(days) : fail("days"))));
      if (kind == "reviewer_up_to") fed = amount(["proposed"], claim);
      const key = at(per, step.slot, n), used = sum(key), s = used + fed;
      const curve = (s) => {
        const [, rate, plus] = leaf.pieces.find(([upper]) => upper == null || s <= upper);
        words.rate = rate / 100 + "%";
        return ((s * BigInt(rate) + BigInt(plus)) / BigInt(step.over)) * BigInt(step.unit);
      };
      const had = used && curve(used), prior = per == "stay" ? null : daily ? had : used;
      let gives = curve(s) - had, lower = 0n;
      if (!step.decided) add(key, fed);
      if (base == 0n && kind == "minimum") gives = x;
      if (base == 0n && kind == "amount" && based) gives = 0n;
      if (kind == "reviewer_up_to" && based) gives = least(gives, x);
      words.parts = leaf.pieces.flatMap(([upper, rate]) => {
        const part = least(s, BigInt(upper ?? s)) - (used > lower ? used : lower);
        lower = BigInt(upper ?? 0);
        return part > 0n ? `${yuan(part)} × ${rate / 100}%` : [];
      }).join(" + ") || yuan(0n);
      Object.assign(words, { before: yuan(x), prior: yuan(used), after: yuan(gives), counted: daily ? fed : yuan(fed), over: says.over[+(gives != x)] });
      const told = leaf.says.replace(/⟦(.*?)⟧/g, prior ? "$1" : "").replace(/{(\w+)}/g, (all, name) => words[name] ?? all);
      const stay = (stays[0] && n) ?? null;
      steps.push({ benefit_id: owner, stay, name: step.name, before: x, prior, after: gives, clause: step.clause, words: stay == null ? told : says.stay.replace("{}", stay + 1) + told });
      return gives;
    };

    const all = plan.events[event] ?? [];
    if (!all[0]) fail(...(plan.silent ?? ["event"]));
    if (event == "stay" && !stays[0]) fail("stays");
    for (const { fact, proof, rows, says } of plan.require) {
      const value = given.facts?.[fact];
      if (value != null && !given.facts.proofs?.includes(proof) && !row(rows, value)) fail(fact, says);
    }
    for (const unit of stays) {
      for (const { whole, parts, says } of plan.sums) {
        if (known([whole, ...parts], unit) && unit[whole] != amount(parts, unit)) fail(whole, says);
      }
      if (unit.admitted < cover || unit.admitted > end) fail("admitted", says.outside);
    }
    const counted = all[0] && counts?.events.includes(event), late = counts?.after != null && filed > end;
    const inside = at("term", "inside"), outside = at("term", "outside"), awarded = at("term", "awarded");
    if (counted && decided == null) {
      if (!filed || !end) fail(filed ? "cover_from" : "filed_on");
      else if (sum(late ? inside : outside) || sum(late ? outside : inside) >= (late ? counts.after : counts.during ?? 1e9)) fail("filed_on", counts.says);
    }
    if (filing && (filing.from == "cover_from" || stays[0])) {
      const start = filing.from == "cover_from" ? end : left[0];
      if (!filed || !start) fail(filed ? filing.from : "filed_on");
      else if (filed > after(start, filing.days)) fail("filed_on", filing.says);
    }
    let why;
    const benefits = all.filter(({ id, waiting, waits, times }) => {
      const field = stays[0] ? "admitted" : "happened_on", days = units.map((unit) => unit[field]);
      if (waiting && !given.renewal && !days.every((day) => day >= after(cover, waiting))) {
        why ??= [cover ? field : "cover_from", cover && days.every(Boolean) ? waits : undefined];
      } else if (times && sum(at(times.per, id)) >= times.limit) why ??= ["event", times.says];
      else return true;
    });
    if (why && !benefits[0]) fail(...why);
    if (fine()) {
      if (plan.years && !year) fail("discharged");
      for (const { id, of, less } of benefits) {
        bases[id] = units.map((unit) => {
          const base = amount(of, unit) - amount(less, unit);
          return base < 0n ? fail(less[0], says.less) : base;
        });
      }
      for (const pool of plan.deductibles) {
        for (const n in units) {
          for (const { id, of } of benefits) {
            if (of[0] && pool.of.includes(id)) bases[id][n] = apply(id, pool, bases[id][n], +n);
          }
        }
      }
      for (const { id, of, paid: less, each, then } of benefits) {
        let start = total(bases[id]);
        if (less) start -= claim.paid ?? (id == all[0].id ? sum(awarded) || amount(["paid"], claim) : total(Object.values(paid)));
        if (start < 0n) start = 0n;
        const flow = each[0] ? total(bases[id].map((base, n) => each.reduce((x, step) => apply(id, step, x, n, base, of[0]), base))) : start;
        paid[id] = then.reduce((x, step) => apply(id, step, x, null, start, of[0]), flow);
      }
      for (const pool of plan.caps) {
        const members = pool.of.filter((id) => id in paid), x = total(members.map((id) => paid[id]));
        cut(paid, members, members[0] ? apply(pool.id, pool, x) - x : 0n);
      }
    }
    const ok = fine(), benefit = ok ? total(Object.values(paid)) : 0n;
    if (!ok) {
      sums = before;
      paid = all[0] ? { [all.at(-1).id]: 0n } : {};
    }
    if (ok || decided != null) {
      cut(paid, Object.keys(paid), (decided ?? benefit) - benefit);
      const award = (id) => paid[id] ?? 0n;
      for (const { id, times, then } of all) {
        for (const step of then) if (step.decided) add(at(step.per, step.slot), award(id));
        if (times && award(id)) add(at(times.per, id), 1n);
        add(awarded, award(id));
      }
      for (const pool of plan.caps) add(at(pool.per, pool.slot), total(pool.of.map(award)));
      if (counted) add(late ? outside : inside, 1n);
    }
    return { benefit, steps: ok ? steps : [], refused };
  });
};
