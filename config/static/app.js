// Makes pages faster to use; every page works without it. No inline code anywhere: the CSP forbids it.
"use strict";
(() => {
  const root = document.documentElement;
  const find = (selector, scope = document) => scope.querySelector(selector);
  root.classList.add("js");

  // --- What this browser keeps; nothing where it keeps nothing ------------------------------------
  const stored = (name, value) => {
    try {
      if (value !== undefined) localStorage.setItem(name, value);
      return localStorage.getItem(name) ?? "";
    } catch {
      return value ?? "";
    }
  };
  root.dataset.keys = stored("keys");

  // --- Saying things -----------------------------------------------------------------------------
  const announce = (sentence) => {
    const live = find("#live");
    if (!live) return;
    live.textContent = "";
    // A repeated sentence is only read again when the region was empty in between.
    setTimeout(() => { live.textContent = sentence; }, 50);
  };

  const toast = (sentence, { tone = "", action = null } = {}) => {
    const region = find("#toast");
    if (!region) return;
    const box = document.createElement("div");
    box.className = `toast ${tone}`;
    const text = document.createElement("p");
    text.textContent = sentence;
    box.append(text);
    const button = (label, onClick) => {
      const element = document.createElement("button");
      element.type = "button";
      element.className = "button tiny";
      element.textContent = label;
      element.addEventListener("click", () => { box.remove(); onClick?.(); });
      box.append(element);
    };
    if (action) button(action.label, action.run);
    button("Dismiss");
    region.replaceChildren(box);
  };

  // --- Copy buttons: data-copy="text", or data-copy-from="id" of the element that holds it --------
  const copyText = async (text) => {
    if (navigator.clipboard && window.isSecureContext) {
      await navigator.clipboard.writeText(text);
      return;
    }
    // Plain http on another host has no clipboard API.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "sr";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("copy refused");
  };

  // Of a file only the code cells count: line numbers are not part of it, and no space is trimmed.
  const textOf = (source) => (source.matches("table")
    ? [...source.querySelectorAll(".lc")].map((cell) => cell.textContent).join("")
    : source.textContent.trim());

  const copy = async (button) => {
    const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    const label = (button.dataset.label ??= button.textContent.trim());
    try {
      await copyText(source ? textOf(source) : button.dataset.copy ?? "");
    } catch {
      toast("The browser did not allow copying. Select the text and copy it by hand.");
      return;
    }
    button.textContent = "Copied";
    announce(`Copied ${button.dataset.copyName ?? "to the clipboard"}.`);
    clearTimeout(button.copyTimer);
    button.copyTimer = setTimeout(() => { button.textContent = label; }, 2000);
  };

  // --- Relative times: the server writes them, this keeps them true -------------------------------
  const ago = (then) => {
    const minutes = Math.floor((Date.now() - then) / 60000);
    if (minutes < 1) return "just now";
    if (minutes < 60) return `${minutes} min ago`;
    if (minutes < 1440) return `${Math.floor(minutes / 60)} h ago`;
    const days = Math.floor(minutes / 1440);
    return days <= 30 ? `${days} d ago` : null;
  };
  const refreshTimes = () => {
    for (const element of document.querySelectorAll("time[datetime]")) {
      if (!/(ago|just now)$/.test(element.textContent.trim())) continue;
      const text = ago(Date.parse(element.dateTime));
      if (text && text !== element.textContent) element.textContent = text;
    }
  };
  setInterval(refreshTimes, 60000);

  // --- Clicks, keys, menus, dialogs ----------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy],[data-copy-from]");
    if (button) copy(button);
    const dialog = document.getElementById(event.target.closest("[data-dialog]")?.dataset.dialog ?? "");
    if (dialog?.showModal) {
      event.preventDefault();
      dialog.showModal();
    }
    if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog")?.close();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") {
      const menu = event.target.closest?.("details.menu[open]") ?? find("details.menu[open]");
      if (menu) {
        menu.open = false;
        find("summary", menu).focus();
      }
      return;
    }
    const typing = event.target.closest?.("input,textarea,select,[contenteditable]");
    if (event.key !== "/" || typing || root.dataset.keys === "off" || find("dialog[open]")) return;
    const field = find("main input[type=search]") ?? find("input[type=search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  });

  // The theme changes at once; the cookie is set by the same form a page without script posts.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const theme = event.submitter?.value;
    if (!form.matches("[data-theme-form]") || !theme) return;
    event.preventDefault();
    fetch(form.action, { method: "POST", body: new URLSearchParams({ theme }) }).then((response) => {
      if (!response.ok) throw new Error(`theme: ${response.status}`);
      root.dataset.theme = theme;
      for (const choice of form.querySelectorAll("button")) {
        choice.setAttribute("aria-pressed", String(choice.value === theme));
      }
      announce(`Theme: ${theme}.`);
    }).catch(() => toast("The theme was not saved. Try again.", { tone: "error" }));
  });

  // --- htmx ----------------------------------------------------------------------------------------
  const token = (element) =>
    find("[name=csrfmiddlewaretoken]", element.closest("form") ?? document)?.value ??
    find("[name=csrfmiddlewaretoken]")?.value ??
    document.cookie.match(/(?:^|; )(?:__Host-)?csrf=([^;]+)/)?.[1];

  const polls = (element) => /\bevery\b/.test(element.getAttribute("hx-trigger") ?? "");
  document.addEventListener("htmx:config:request", (event) => {
    const { request, sourceElement } = event.detail.ctx;
    if (polls(sourceElement) && document.hidden) {
      event.preventDefault();
      return;
    }
    if (!/^(GET|HEAD)$/.test(request.method)) {
      const value = token(sourceElement);
      if (value) request.headers["X-CSRFToken"] = value;
    }
  });

  const rows = (list) => list.querySelectorAll(":scope > :not(.load-more)");
  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    ctx.startedAt = performance.now();
    if (polls(ctx.sourceElement)) return;
    const list = ctx.sourceElement.closest(".load-more")?.parentElement;
    if (list) ctx.more = { list, before: rows(list).length };
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const { more, sourceElement } = event.detail.ctx ?? {};
    // Results while typing: how many there are is said, the reader stays in the field.
    if (sourceElement?.matches(".search")) {
      announce((find("#list .toolbar > span") ?? find("h1")).textContent);
    }
    if (!more) return;
    const all = rows(more.list);
    const added = all.length - more.before;
    if (added > 0) find("a,button", all[more.before])?.focus();
    announce(added > 0 ? `${added} more, ${all.length} shown.` : "Nothing more to show.");
  });

  const refusals = {
    400: "The page sent something the server could not read. Reload and try again.",
    403: "You may not do that, or the page is too old. Reload and try again.",
    404: "That is no longer there. Reload to see what is.",
    410: "That has been removed.",
    413: "That is larger than the server accepts.",
  };
  document.addEventListener("htmx:response:error", (event) => {
    const { request, response } = event.detail.ctx;
    if (response.status === 422 || response.status === 409) return;
    if (response.status === 429) {
      const wait = response.headers.get("Retry-After");
      toast(wait ? `Too many requests. Try again in ${wait} s.` : "Too many requests. Try again soon.");
      return;
    }
    toast(refusals[response.status] ?? `${outcomeOf(request)}: the server had a problem.`, {
      tone: "error",
      action: response.status >= 500 ? retry(event.detail.ctx) : null,
    });
  });
  document.addEventListener("htmx:error", (event) => {
    const { ctx, error } = event.detail;
    if (!ctx) return;
    // Both a time-out (15 s) and a newer request of the same form abort; only the first is a failure.
    if (error?.name === "AbortError" && performance.now() - ctx.startedAt < 14500) return;
    toast(`${outcomeOf(ctx.request)}: the server did not answer.`, { tone: "error", action: retry(ctx) });
  });
  const outcomeOf = (request) => (request.method === "GET" ? "Not loaded" : "Not saved");
  // The same button again: which one it was may be what the form says.
  const retry = ({ sourceElement, sourceEvent }) => ({
    label: "Retry",
    run: () => (sourceElement.matches("form")
      ? sourceElement.requestSubmit(sourceEvent.submitter)
      : sourceElement.click()),
  });
  // A refused form moves the reader to its list of mistakes.
  document.addEventListener("htmx:after:settle", () => {
    find("[data-error-summary]:not([data-seen])")?.focus();
    find("[data-error-summary]")?.setAttribute("data-seen", "");
  });

  // What staff.js uses, too.
  window.skillboard = { announce, copyText, stored, toast };
})();
