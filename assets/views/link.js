// A link to these settings: {query, count}. It goes to the clipboard, or into a field where the browser forbids that.
watch("value", async () => {
  const value = props.value;
  if (!value || !value.query) return host.replaceChildren();
  const address = new URL(value.query, location.origin + location.pathname);
  history.replaceState(null, "", address);
  let words = "Link copied.";
  try {
    await navigator.clipboard.writeText(address.href);
  } catch {
    words = "Copy this link:";
  }
  const field = make("input", { type: "text", readonly: true, value: address.href, "aria-label": "Link to these settings" });
  host.replaceChildren(make("p", { class: "copied", role: "status" }, words), field);
  if (words !== "Link copied.") field.select();
});
