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
