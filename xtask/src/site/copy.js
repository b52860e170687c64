for (const pre of document.querySelectorAll("pre")) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" });
  const lines = pre.textContent.split("\n");
  const commands = lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));
  const text = commands.length ? commands.join("\n") : pre.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  const box = Object.assign(document.createElement("div"), { className: "snippet" });
  pre.tabIndex = 0;
  pre.replaceWith(box);
  box.append(pre, button);
}
