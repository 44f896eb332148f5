// 大字 is remembered on this device; on a district's page one kind of station can be shown alone.
const large = document.getElementById("large");
const apply = () => document.documentElement.classList.toggle("large", large.checked);
try {
  large.checked = localStorage.getItem("large") == "1";
} catch {
  // A browser that keeps nothing still shows large type for this page.
}
apply();
large.addEventListener("change", () => {
  apply();
  try {
    localStorage.setItem("large", large.checked ? "1" : "0");
  } catch {
    // likewise
  }
});

const filter = document.querySelector("[data-filter]");
filter?.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-kind]");
  if (!chosen) return;
  event.preventDefault();
  const alone = chosen.getAttribute("aria-current") != "true";
  for (const link of filter.querySelectorAll("[data-kind]")) link.removeAttribute("aria-current");
  if (alone) chosen.setAttribute("aria-current", "true");
  for (const group of document.querySelectorAll("[data-group]")) group.hidden = alone && group.id != chosen.dataset.kind;
});
