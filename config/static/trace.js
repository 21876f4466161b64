// Keys of a trace's page: j and k by message, u to the next turn of a person, e to the next error;
// and the switch that turns single keys off, which stands in “My settings”, too.
"use strict";
(() => {
  const { announce, stored } = window.skillboard;
  const root = document.documentElement;
  const find = (selector, scope = document) => scope.querySelector(selector);
  const button = find("[data-keys-switch]");
  const label = () => {
    button.textContent = root.dataset.keys === "off" ? "Turn keys on" : "Turn keys off";
  };
  button?.addEventListener("click", () => {
    root.dataset.keys = stored("keys", root.dataset.keys === "off" ? "" : "off");
    label();
  });
  if (button) label();

  const list = find(".turns");
  if (!list) return;

  const items = () => [...list.querySelectorAll(":scope > [id^=m-]")];
  // Where the reader is: at the message with the focus, else above the first one in sight.
  const placeIn = (all) => {
    const focused = all.indexOf(document.activeElement.closest(".turns > li"));
    if (focused >= 0) return focused;
    const top = all.findIndex((item) => item.getBoundingClientRect().bottom > 80);
    return (top < 0 ? all.length : top) - 0.5;
  };
  const go = (item) => {
    find(".meta a", item).focus({ preventScroll: true });
    item.scrollIntoView();
  };
  const numberOf = (item) => Number(item.id.split("-")[1]);
  // Turns and errors further on, as the outline names them; errors stand among all messages.
  const ahead = (isError, number) => [...document.querySelectorAll(".rail a[href*='#m-']")].find(
    (link) => link.pathname.endsWith("/full") === isError && Number(link.hash.slice(3)) > number,
  );

  const kinds = { u: ["user"], e: ["error", "tool_error"] };
  const words = { u: "turns of a person", e: "errors" };
  const move = (key) => {
    const all = items();
    const place = placeIn(all);
    const found = key === "k"
      ? all.findLast((_, at) => at < place)
      : all.find((item, at) => at > place && (key === "j" || kinds[key].includes(item.dataset.kind)));
    if (found) return go(found);
    const link = key in kinds && all.length && ahead(key === "e", numberOf(all.at(-1)));
    if (link) return location.assign(link.href);
    const more = key !== "k" && find("#load-more");
    if (!more) return announce(key in kinds ? `No more ${words[key]}.` : "No more messages that way.");
    // What comes has the focus then, so that the same key goes on from there.
    return more.click();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (!["j", "k", "u", "e"].includes(event.key) || root.dataset.keys === "off") return;
    if (event.target.closest?.("input,textarea,select,[contenteditable]") || find("dialog[open]")) return;
    event.preventDefault();
    move(event.key);
  });
})();
