// The contrast of every visible text against what lies behind it, by the formula of WCAG 2.2; returns what is below AA.
() => {
  const parse = (text) => {
    const parts = text.match(/[\d.]+/g).map(Number);
    return [parts[0], parts[1], parts[2], parts[3] ?? 1];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => linear(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    const layers = [];
    for (let n = node; n; n = n.parentElement) layers.push(parse(getComputedStyle(n).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const found = [];
  for (const node of document.querySelectorAll(".gradio-container *")) {
    const hasText = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    const style = getComputedStyle(node), box = node.getBoundingClientRect();
    const isOut = node.closest("svg, footer, [aria-hidden=true], .only-heard") || !node.checkVisibility();
    if (!hasText || isOut || style.visibility === "hidden" || box.width < 2) continue;
    const back = behind(node), text = over(parse(style.color), back);
    const [brighter, darker] = [luminance(text), luminance(back)].sort((a, b) => b - a);
    const ratio = (brighter + 0.05) / (darker + 0.05);
    const size = parseFloat(style.fontSize), isLarge = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${node.tagName} ${node.textContent.trim().slice(0, 40)}`);
  }
  return found;
}
