() => {
  const visible = (selector) => [...document.querySelectorAll(selector)].find((node) => node.offsetParent !== null);

  // Ctrl+Enter runs the tab that is open, Escape cancels; the pause lets a text field hand over its last letters.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const run = visible(".run-button");
      if (run) {
        event.preventDefault();
        setTimeout(() => run.click(), 60);
      }
    } else if (event.key === "Escape") {
      visible(".cancel-button")?.click();
    }
  });

  // Gradio hands the fields of a tab their first values once more when all of the tab has been drawn, which over a slow
  // line is seconds after one can type (render_previously_invisible_children of its frontend). What was typed by then is
  // put back, once for each field, unless something else was clicked that may have set it.
  const firstValues = new Map(), typedValues = new Map();
  const isText = (node) => Boolean(node.matches?.("#tabs textarea, #tabs input[type=text]"));
  document.addEventListener("focusin", ({ target }) => {
    if (!isText(target) || firstValues.has(target)) return;
    firstValues.set(target, target.value);
    keepTyped(target, performance.now() + 20_000);
  });
  document.addEventListener("input", ({ target }) => firstValues.has(target) && typedValues.set(target, target.value), true);
  document.addEventListener("click", ({ target }) => {
    if (!target.closest?.(".run-button") && !isText(target)) typedValues.clear();
  }, true);

  function keepTyped(field, untilMs) {
    const typed = typedValues.get(field);
    if (typed !== undefined && field.value !== typed && field.value === firstValues.get(field)) {
      Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, typed);
      field.dispatchEvent(new Event("input", { bubbles: true }));
    } else if (field.isConnected && performance.now() < untilMs) {
      requestAnimationFrame(() => keepTyped(field, untilMs));
    }
  }

  // The address names the open tab, so that a reload comes back to it. Settings of another tab leave the address.
  document.addEventListener("click", (event) => {
    const slug = event.target.closest?.("#tabs [role=tab]")?.id.match(/^tab-(.+)-button$/)?.[1];
    const url = new URL(location.href);
    if (!slug || url.searchParams.get("tab") === slug) return;
    url.searchParams.delete("p");
    url.searchParams.set("tab", slug);
    history.replaceState(null, "", url);
  });
}
