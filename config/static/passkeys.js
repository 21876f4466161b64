// A form that asks the browser for a passkey before it is sent: data-passkey is create or get.
"use strict";
(() => {
  for (const form of document.querySelectorAll("[data-passkey]")) {
    const says = form.querySelector("[data-passkey-says]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      says.textContent = "Waiting for your browser …";
      try {
        const answer = await webauthnJSON[form.dataset.passkey](JSON.parse(form.dataset.options));
        form.elements.credential.value = JSON.stringify(answer);
        form.submit();
      } catch {
        says.textContent = "No passkey came: it was cancelled, took too long, or this browser has none.";
      }
    });
  }
})();
