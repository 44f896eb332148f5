// What a page without scripts does by itself, kept up after htmx swaps a piece in.
"use strict";

// After a refused form comes back, the error summary takes focus, as `autofocus` does on load.
document.addEventListener("htmx:afterSettle", (event) => {
  const summary = event.target.querySelector?.("#error-summary");
  if (summary) summary.focus();
});

// On a phone the menu is one line that scrolls: where one is comes into view.
const current = document.querySelector(".menu a[aria-current]");
if (current) {
  const list = current.closest("ul");
  const [item, line] = [current, list].map((element) => element.getBoundingClientRect());
  list.scrollLeft += item.left - line.left - (line.width - item.width) / 2;
}

// A lost connection or a server error must not look like nothing happened.
for (const name of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(name, () => {
    let notice = document.getElementById("connection-notice");
    if (!notice) {
      notice = document.createElement("p");
      notice.id = "connection-notice";
      notice.className = "flash flash-bad";
      notice.setAttribute("role", "alert");
      document.getElementById("main").prepend(notice);
    }
    notice.textContent = "没有连上服务器，页面上的数字可能不是最新的，请稍后再试。";
  });
}
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) document.getElementById("connection-notice")?.remove();
});

// A form that is on its way is not sent again: a double click is one deed. A download leaves the
// page standing, so the form may be sent once more after a while.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 5000);
});

// Every print button prints the page.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
