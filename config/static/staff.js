// Keys and quickness of staff pages; docs/architecture.md tells more.
"use strict";
(() => {
  const { announce, copyText, stored, toast } = window.skillboard;
  const root = document.documentElement;
  const find = (selector, scope = document) => scope.querySelector(selector);
  const all = (selector, scope = document) => [...scope.querySelectorAll(selector)];
  const on = (name, run) => document.addEventListener(name, run);
  const pane = () => find("#pane");
  const rows = () => all("#rows .row-link");
  const lineOf = (row) => row.closest("li");
  const itemOf = (row) => lineOf(row).dataset.item;
  const addressOf = (row) => row?.getAttribute("hx-get");
  const rowOf = (item) => document.getElementById(`row-${item}`);
  const current = () => find("#rows .row-link[aria-current]");
  const focused = () => document.activeElement.closest(".row-link");
  // As in staff.css.
  const isNarrow = () => matchMedia("(width < 960px)").matches;
  const PARTIAL = { "HX-Request": "true", "HX-Request-Type": "partial" };

  // --- The list: one tab stop, real focus
  const rove = (chosen = focused() ?? current() ?? rows()[0]) => {
    for (const row of rows()) {
      find("input", lineOf(row)).tabIndex = row.tabIndex = row === chosen ? 0 : -1;
    }
  };
  on("focusin", () => focused() && rove());
  const mark = (row) => {
    current()?.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    rove(row);
  };
  const focusHeading = () => find("#pane h2")?.focus();
  const focusRow = () => {
    const row = current() ?? rows()[0];
    if (row?.checkVisibility()) row.focus();
    else focusHeading();
  };
  const lacks = (what) => announce(pane()?.ariaBusy ? "Still loading." : what);

  // Nobody decides on what is not there yet.
  const blankFor = (row) => {
    const shown = pane();
    if (shown.dataset.loading === itemOf(row)) return shown;
    const blank = document.createElement("article");
    Object.assign(blank, { id: "pane", className: "pane", ariaBusy: "true" });
    blank.dataset.loading = itemOf(row);
    blank.innerHTML = '<h2 tabindex="-1" dir="auto"></h2><p class="muted">Loading…</p>';
    find("h2", blank).textContent = find("b", row).textContent;
    shown.replaceWith(blank);
    return blank;
  };
  let timer, movedAt = 0, headingOf;
  const choose = (row) => {
    row.focus();
    if (isNarrow()) return;
    mark(row);
    const { item, loading } = pane().dataset;
    if ([item, loading].includes(itemOf(row))) return;
    blankFor(row);
    // Of a held j the last item is wanted.
    const now = performance.now();
    clearTimeout(timer);
    timer = setTimeout(() => htmx.trigger(row, "click"), now - movedAt < 120 ? 120 : 0);
    movedAt = now;
  };
  const nextTo = (row, by) => rows()[rows().indexOf(row) + by];
  const move = (by) => {
    const row = nextTo(focused() ?? current(), by);
    if (row) choose(row);
    else announce(find("#rows") ? "No more items that way." : "No list here. Esc leads to it.");
  };
  const reachHeading = () => {
    if (pane().dataset.item !== headingOf) return false;
    headingOf = null;
    focusHeading();
    return true;
  };
  const open = (row) => {
    if (!row) return focusHeading();
    if (isNarrow()) return location.assign(addressOf(row));
    headingOf = itemOf(row);
    choose(row);
    reachHeading();
  };

  let ahead;
  const isAhead = (address) => ahead?.address === address && Date.now() - ahead.at < 60000;
  const fetchAhead = () => {
    const address = addressOf(nextTo(current(), 1));
    if (!address || isNarrow() || isAhead(address)) return;
    const answer = fetch(address, { headers: PARTIAL })
      .then(async (got) => new Response(await got.text(), got));
    ahead = { address, at: Date.now(), answer };
    answer.catch(() => { ahead = null; });
  };
  const load = (event, ctx, row) => {
    const address = addressOf(row);
    if (isNarrow()) {
      event.preventDefault();
      return location.assign(address);
    }
    mark(row);
    ctx.target = blankFor(row);
    if (!isAhead(address)) return;
    const { answer } = ahead;
    ctx.fetch = (...asked) => answer.catch(() => fetch(...asked));
    ahead = null;
  };

  // --- Deciding: at once; the answer confirms or restores
  let pending = 0;
  const hold = (ctx, form) => {
    find("dialog[open]", form)?.close();
    const { item } = pane().dataset;
    const row = rowOf(item);
    if (claimed?.item === item) claimed = null;
    const next = row && !isNarrow() && nextTo(row, 1);
    ctx.held = { pane: pane(), row, hasMoved: Boolean(next) };
    setBusy(ctx.held, "true");
    if (next) choose(next);
  };
  const setBusy = (held, value) => {
    held.pane.ariaBusy = value;
    if (held.row) lineOf(held.row).ariaBusy = value;
  };
  const restore = (held) => {
    setBusy(held, null);
    if (!held.hasMoved) return;
    held.hasMoved = false;
    clearTimeout(timer);
    pane().replaceWith(held.pane);
    mark(held.row);
    history.replaceState(history.state, "", held.row.href);
  };

  let undos = [];
  const isDone = (ctx) => ctx.response?.status < 300;
  const isRefused = (ctx) => [409, 422].includes(ctx.response?.status);
  on("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    const source = ctx.sourceElement;
    ctx.actedOn = document.activeElement.id;
    ctx.isRow = source.matches(".row-link");
    ctx.isUndo = source.matches(".undo");
    if (ctx.isRow) load(event, ctx, source);
    if (ctx.isUndo) undos = undos.filter((form) => form !== source);
    if (source.matches("#decide")) hold(ctx, source);
  });
  on("htmx:before:request", ({ detail: { ctx } }) => {
    ctx.isWrite = ctx.request.method !== "GET";
    pending += ctx.isWrite;
  });
  on("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.isRow && pane()?.dataset.loading !== itemOf(ctx.sourceElement)) event.preventDefault();
    if (!ctx.held) return;
    if (!isDone(ctx)) restore(ctx.held);
    else if (ctx.held.hasMoved) ctx.hx.replaceurl = null;
  });
  on("htmx:finally:request", ({ detail: { ctx } }) => {
    const isLost = !isDone(ctx) && !isRefused(ctx);
    if (ctx.isWrite) pending -= 1;
    if (isLost && ctx.held) restore(ctx.held);
    if (ctx.held) setBusy(ctx.held, null);
    if (isLost && ctx.isUndo) undos.push(ctx.sourceElement);
    if (isLost && ctx.isRow) find("#pane[data-loading] p")?.replaceChildren("Not loaded.");
    for (const field of all("textarea", ctx.sourceElement)) {
      if (isDone(ctx)) delete sessionStorage[nameOf(field)];
    }
    if (pane()) arrive(ctx, pane());
  });

  const arrive = (ctx, shown) => {
    const row = rowOf(shown.dataset.item);
    if (row && row !== current()) mark(row);
    else rove();
    const undo = find("#toast .undo");
    if (undo && !undos.includes(undo)) undos.push(undo);
    const told = find("#toast p")?.textContent;
    if (ctx.isWrite && isDone(ctx) && told && find("#live").textContent !== told) announce(told);
    if (find("#queue.alone")) rename(find("h2", shown).textContent.trim(), shown.dataset.item);
    if (stored("diff")) split(true);
    recall();
    count();
    placeFocus(ctx, shown);
    if (ctx.held && isDone(ctx)) refill();
    fetchAhead();
  };
  const rename = (name, item) => {
    find("h1").textContent = `Review of ${name}`;
    find(".crumbs span").textContent = item ? `Item ${item}` : name;
    document.title = `${name} · Skillboard`;
  };
  const placeFocus = (ctx, shown) => {
    const dialog = find("dialog[open]", shown);
    if (dialog && action) fit(dialog, action);
    // app.js leads to what was refused.
    if (isRefused(ctx) || headingOf && reachHeading()) return;
    if (ctx.held || ctx.isUndo) focusRow();
    else if ((ctx.isWrite || ctx.isRow) && document.activeElement === document.body) {
      (document.getElementById(ctx.actedOn) ?? find("h2", shown)).focus();
    }
  };
  const refill = () => {
    if (!find("#rows") || rows().length) return;
    const more = find("#rows .load-more a");
    if (more) more.click();
    else htmx.ajax("GET", location.href, { target: "#list", select: "#list", swap: "outerHTML" });
  };
  const undoLast = () => {
    const form = undos.at(-1) ?? find("#pane .undo, .notice .undo");
    if (!form) return announce("Nothing to undo here. See Decisions.");
    if (!form.isConnected) {
      form.hidden = true;
      find("#toast").append(form);
      htmx.process(form, true);
    }
    form.requestSubmit();
  };

  // --- Typed and not sent
  const nameOf = (field) => field.closest("#pane").dataset.item + field.id;
  on("input", ({ target }) => {
    if (target.matches("#pane textarea")) sessionStorage[nameOf(target)] = target.value;
  });
  const recall = () => {
    for (const field of all("#pane textarea")) {
      const kept = sessionStorage[nameOf(field)];
      if (kept) (field.closest("details") ?? field).open = field.value = kept;
    }
  };

  // --- Claims
  let watched, seconds, claimed;
  const post = (address, form, more) =>
    fetch(address, { method: "POST", headers: PARTIAL, body: new URLSearchParams(new FormData(form)), ...more })
      .catch(() => null);
  const release = () => {
    if (claimed) post(claimed.form.action, claimed.form, { keepalive: true });
    claimed = null;
  };
  const beat = async (shown) => {
    const form = find("#release-form", shown);
    const answer = await post(shown.dataset.heartbeat, form);
    if (answer?.status === 204 && shown.dataset.claim === "free") {
      shown.dataset.claim = "mine";
      claimed = { item: shown.dataset.item, form };
      find(".claim-state", shown).textContent = "claimed by you";
      for (const button of all("[aria-keyshortcuts=c]", shown)) button.hidden = !button.hidden;
    }
    if (answer?.status !== 409) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = find(".conflict", page);
    shown.dataset.claim = "other";
    claimed = null;
    find(".conflict", shown)?.remove();
    find(".pane-head", shown).after(told);
    announce(find("span", told).textContent);
  };
  setInterval(() => {
    const shown = pane();
    if (!shown?.dataset.item || document.hidden) return;
    if (watched !== shown.dataset.item) {
      release();
      [watched, seconds] = [shown.dataset.item, 0];
    }
    if (shown.dataset.claim === "other" || !find("#decide", shown)) return;
    seconds += 1;
    if (seconds % 60 === 10) beat(shown);
  }, 1000);
  addEventListener("pagehide", () => {
    const shown = pane();
    if (shown?.dataset.claim === "mine") claimed = { form: find("#release-form", shown) };
    release();
  });

  // --- Selecting several
  let lastBox;
  const boxes = () => all("#rows [name=item]");
  const count = () => {
    const said = find("#selected");
    const number = boxes().filter((box) => box.checked).length;
    if (said && (number || said.textContent)) said.textContent = `${number} selected.`;
    return number;
  };
  const tick = (wanted, checked) => {
    for (const box of wanted) {
      if (checked && !box.checked && count() >= 50) {
        toast("At most 50 at once.");
        break;
      }
      box.checked = checked;
    }
    count();
  };
  const select = (isRange) => {
    const row = focused() ?? current();
    if (!row) return lacks("Choose an item first.");
    const list = boxes();
    const box = find("input", lineOf(row));
    const [from, to] = [list.indexOf(lastBox), list.indexOf(box)].sort((a, b) => a - b);
    if (isRange && from >= 0) tick(list.slice(from, to + 1), true);
    else tick([box], !box.checked);
    lastBox = box;
  };
  on("change", ({ target }) => {
    if (target.id === "select-all") tick(boxes(), target.checked);
    if (target.matches("#rows [name=item]")) {
      lastBox = target;
      count();
    }
    if (target.matches(".reason [name=template]")) fill(target);
    if (target.id === "keys-switch") {
      root.dataset.keys = stored("keys", target.checked ? "" : "off");
      announce(`Single keys are ${target.checked ? "on" : "off"}.`);
    }
  });

  // --- Reasons
  let action;
  const fit = (dialog, wanted) => {
    action = wanted;
    for (const button of all("[data-confirm]", dialog)) {
      button.hidden = button.value !== wanted;
      if (!button.hidden && dialog.id === "reason-dialog") {
        find("h4", dialog).textContent = `${button.textContent}: reason`;
      }
    }
    for (const field of all("[data-for]", dialog)) field.hidden = field.dataset.for !== wanted;
  };
  const fill = (radio) => {
    const dialog = radio.closest("dialog");
    const text = find("[name=text]", dialog);
    const offered = all(".choice small", dialog).map((small) => small.textContent.trim());
    const written = text.value.trim();
    if (!written || offered.includes(written)) text.value = find("small", radio.parentElement).textContent;
  };
  on("click", ({ target }) => {
    if (target.closest("[data-keys-sheet]")) showSheet();
    const verb = target.closest("#decide [data-dialog]");
    const dialog = verb && document.getElementById(verb.dataset.dialog);
    if (!dialog?.open) return;
    fit(dialog, verb.value);
    find("input:checked, #why", dialog)?.focus();
  });
  const decideBy = (key) => {
    const button = find(`#decide .verbs [aria-keyshortcuts="${key}"]`);
    if (!button) return lacks("Not possible here.");
    const answer = find("#answer");
    if (!answer || answer.value.trim()) return button.click();
    answer.focus();
    announce("Write the answer first.");
  };
  const inDialog = (event, dialog) => {
    const { key, target } = event;
    if (key === "Escape" && !dialog.matches(":modal")) dialog.close();
    if (!dialog.matches(".reason") || !target.matches("input")) return;
    // Of itself Enter presses the first button of the form.
    if (key === "Enter") {
      event.preventDefault();
      find("[data-confirm]:not([hidden])", dialog).click();
    }
    const radio = !isTyping(target) && /^[1-9]$/.test(key) && all("[name=template]", dialog)[key - 1];
    if (!radio || root.dataset.keys === "off") return;
    radio.checked = true;
    radio.focus();
    fill(radio);
  };

  // --- The evidence
  const step = (what, selector, by) => {
    const shown = pane();
    const places = shown ? all(selector, shown) : [];
    if (!places.length) return lacks(`No ${what} here.`);
    const at = Math.min(places.length - 1, Math.max(0, Number(shown.dataset[what] ?? -1) + by));
    shown.dataset[what] = at;
    places[at].focus({ preventScroll: true });
    places[at].scrollIntoView();
    announce(`${what} ${at + 1} of ${places.length}.`);
  };
  // Only places change; staff.css has the columns.
  const split = (wanted) => {
    for (const table of all("#pane .diff")) {
      table.classList.toggle("split", wanted);
      let removed = 0, added = 0;
      for (const line of table.rows) {
        if (line.matches(".del")) removed += 1;
        else if (line.matches(".add")) added += 1;
        else removed = added = Math.max(removed, added) + 1;
        line.style.gridRow = line.matches(".add") ? added : removed;
      }
    }
  };
  const toggleSplit = () => {
    const wanted = !stored("diff");
    if (wanted && !matchMedia("(width >= 1280px)").matches) return announce("Too narrow for two columns.");
    stored("diff", wanted ? "split" : "");
    split(wanted);
    announce(wanted ? "Changes side by side." : "Changes in one column.");
  };

  // --- Small things
  const press = (selector, otherwise) => {
    const found = find(selector);
    if (!found) return lacks(otherwise);
    if (found.matches("button")) found.click();
    else found.focus();
  };
  const copyLink = async () => {
    const link = find("#item-link");
    if (!link) return lacks("Open an item first.");
    const told = await copyText(link.href).then(() => "Copied the link to", () => "The browser does not copy links to");
    toast(`${told} ${link.textContent.toLowerCase()}.`);
  };
  const back = ({ target }) => {
    const list = find("#pane .back a");
    if (!list || target.closest("#filters, .menu")) return;
    if (current()?.checkVisibility()) focusRow();
    else location.assign(list.href);
  };
  const follow = (found) => {
    if (!found) return announce("Nothing there.");
    sessionStorage.focus = 1;
    if (found.matches("form")) found.requestSubmit();
    else found.click();
  };

  // --- Keys, as staff/_keys.html tells
  let goUntil = 0;
  const KEYS = {
    j: () => move(1),
    k: () => move(-1),
    o: () => open(focused() ?? current()),
    z: undoLast,
    c: () => press("#claim-button:not([hidden]), #release-button:not([hidden])", "Nothing to claim here."),
    r: () => follow(find("#next-form")),
    m: () => press("#note-text", "Open an item first."),
    x: () => select(false),
    X: () => select(true),
    n: () => step("Finding", ".finding", 1),
    p: () => step("Finding", ".finding", -1),
    "]": () => step("File", ".diff-file", 1),
    "[": () => step("File", ".diff-file", -1),
    d: toggleSplit,
    y: copyLink,
    g: () => {
      goUntil = performance.now() + 1000;
      announce("Go: h home, q queue, l log, j jobs, m summaries.");
    },
    "?": () => showSheet(),
  };
  for (const key of "ahvwq") KEYS[key] = decideBy;
  const isTyping = (element) =>
    element.closest("textarea,select,[contenteditable],input:not([type=checkbox],[type=radio])");

  on("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const dialog = find("dialog[open]");
    if (dialog) return inDialog(event, dialog);
    if (key === "Escape") return back(event);
    let act;
    if (focused()) {
      act = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: () => open(focused()) }[key];
    }
    if (!act && root.dataset.keys !== "off" && !isTyping(target)) {
      if (performance.now() < goUntil) act = () => follow(find(`[data-go="${CSS.escape(key)}"]`));
      else if (/^[1-7]$/.test(key)) act = () => follow(all("#counts a")[key - 1]);
      else if (Object.hasOwn(KEYS, key)) act = KEYS[key];
      goUntil = 0;
    }
    if (!act || pending) return;
    event.preventDefault();
    act(key);
  });

  const showSheet = () => {
    find("#keys-switch").checked = root.dataset.keys !== "off";
    find("#keys-sheet").showModal();
  };
  on("input", ({ target }) => {
    if (target.id !== "keys-filter") return;
    const word = target.value.trim().toLowerCase();
    const lines = all("#keys-sheet dl div");
    for (const line of lines) line.hidden = !line.textContent.toLowerCase().includes(word);
    find("#keys-none").hidden = lines.some((line) => !line.hidden);
  });

  // --- At first
  rove();
  recall();
  fetchAhead();
  if (stored("diff")) split(true);
  if (sessionStorage.focus) focusRow();
  delete sessionStorage.focus;
})();
