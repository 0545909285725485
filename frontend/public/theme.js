// Runs before the first paint, so that the page never flashes in the other theme. A choice wins over the system.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("plackett.theme");
  } catch (refused) {
    console.warn("The chosen theme cannot be read; the system's is used.", refused);
  }
  var system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : system;
})();
