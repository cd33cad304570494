// Shared by every view: nodes are made by hand and text enters through text nodes only, never as markup.
const host = element.firstElementChild;

// The block around a view knows whether there is anything to see, so that an empty one takes no room (style.css).
function tellNothing() {
  const isNothing = [...host.children].every((child) => child.hidden || child.classList.contains("only-heard"));
  element.closest(".block").dataset.nothing = String(isNothing);
}
new MutationObserver(tellNothing).observe(host, { childList: true, subtree: true, attributeFilter: ["hidden"] });
tellNothing();

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) node.style.setProperty(name, String(value));
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, String(value));
  }
  node.append(...children.flat(9).filter((child) => child != null && child !== false).map(asNode));
  return node;
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

function percent(fraction) {
  const value = 100 * fraction;
  return value >= 9.95 ? `${value.toFixed(0)}\u202f%` : value >= 0.095 ? `${value.toFixed(1)}\u202f%` : "<\u202f0.1\u202f%";
}

// Draw now and after every change of the value; keep the focus on the element with the same data-key.
function drawWith(render) {
  const draw = () => {
    const key = host.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    host.replaceChildren(...[render(props.value)].flat(9).filter(Boolean));
    if (key != null) [...host.querySelectorAll("[data-key]")].find((node) => node.dataset.key === key)?.focus();
  };
  watch("value", draw);
  draw();
}

