// Hands what a click found to the picture beside it, as a DOM event; it shows nothing itself.
watch("value", () => element.closest(".job").dispatchEvent(new CustomEvent("segment-found", { detail: props.value })));
