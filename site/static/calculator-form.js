// The form around the calculator: what is typed becomes a case, the answer stands under it.
import { assess, yuan } from "./calculator.js";

const form = document.getElementById("calculator"), answer = document.getElementById("answer");
const plan = JSON.parse(document.getElementById("plan").textContent);
const all = (query, box = form) => [...box.querySelectorAll(query)];

// １０，０３１．５元 is 10031.5; what is no whole number stays text, and is asked for.
const typed = ({ value, dataset }) => {
  const text = value.normalize("NFKC").replace(/[,¥元\s]/g, "");
  if (dataset.kind == "whole") return /^\d+$/.test(text) ? +text : text;
  return dataset.kind == "amount" ? text : value;
};
const read = (box) => {
  const found = {};
  for (const field of all("[name], [data-list]", box)) {
    const { list } = field.dataset;
    if (field.parentElement.closest("[data-list], form") != box || field.closest("[hidden]")) continue;
    if (list) (found[list] ??= []).push(read(field));
    else if (field.value.trim()) found[field.name] = typed(field);
  }
  return found;
};
const say = (tag, words, box) => box.appendChild(Object.assign(document.createElement(tag), { textContent: words }));

const show = () => {
  for (const part of all("[data-events]")) {
    part.hidden = !part.dataset.events.split(" ").includes(part.closest("[data-list=claims]").querySelector("[name=event]").value);
  }
  const { claims, ...facts } = read(form), answers = assess(plan, { ...facts, facts, claims });
  const boxes = all("[data-list=claims]"), wrong = [];
  for (const field of all("[name]")) {
    const { refused } = answers.at(boxes.indexOf(field.closest("[data-list=claims]")));
    field.ariaInvalid = Boolean(field.value && field.name in refused);
  }
  answers.forEach(({ refused }, n) => {
    const now = n == answers.length - 1;
    const words = now || claims[n].stays ? Object.values(refused) : [];
    if (!now && !claims[n].decided) words.push(plan.says.ask + plan.labels.decided);
    for (const word of words) wrong.push((now ? "" : `已领过的第${n + 1}次：`) + word);
  });
  answer.replaceChildren();
  if (wrong.length) return wrong.map((words) => say("p", words, answer));
  const { benefit, steps } = answers.at(-1);
  say("p", `测算互助金 ${yuan(benefit)}`, answer);
  const list = say("ol", "", answer);
  for (const { name, words, clause } of steps) {
    const item = say("li", "", list);
    say("strong", name, item);
    say("span", `：${words}`, item);
    say("small", `依据：${clause}`, item);
  }
};

form.hidden = false;
form.oninput = show;
form.onsubmit = () => false;
form.onclick = ({ target }) => {
  const { add, remove } = target.dataset;
  if (add) {
    const last = add == "stays" && all(`[data-list=stays]`, target.closest("[data-list]")).at(-1);
    const next = (last || document.getElementById("earlier").content.firstElementChild).cloneNode(true);
    for (const field of all("input", next)) field.value = field.defaultValue;
    if (last) last.after(next);
    else all("[data-list=claims]").at(-1).before(next);
    next.querySelector("input, select").focus();
  } else if (remove != null) {
    const box = target.closest("[data-list]"), after = box.nextElementSibling;
    box.remove();
    (after.matches("button") ? after : after.querySelector("[name]:not([hidden])")).focus();
  } else return;
  show();
};
// also when the browser comes back to the page with what was typed before
onpageshow = show;
