// Everything works without this file; it only takes the reader to what changed.
document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail.ctx && event.detail.ctx.target;
  const message = target && target.querySelector && target.querySelector("[data-focus]");
  if (message) {
    message.setAttribute("tabindex", "-1");
    message.focus();
  }
});
