(function () {
  "use strict";
  var form = document.getElementById("filters");
  var shown = document.getElementById("shown");
  var all = Array.prototype.slice.call(document.querySelectorAll("#scenarios > .scenario"));
  function filter() {
    var statuses = {};
    form.querySelectorAll("input[name=status]").forEach(function (box) { statuses[box.value] = box.checked; });
    var station = form.elements.station.value;
    var words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    var n = 0;
    all.forEach(function (one) {
      var text = one.dataset.text.toLowerCase() + " ";
      var ok = statuses[one.dataset.status] &&
        (!station || one.dataset.stations.split("|").indexOf(station) >= 0) &&
        words.every(function (word) { 
          // A tag is meant whole, or as a group: @LB is all of @LB-1, @LB-2…
          return word.charAt(0) === "@" ? text.indexOf(word + " ") >= 0 || text.indexOf(word + "-") >= 0 : text.indexOf(word) >= 0;
        });
      one.classList.toggle("hidden", !ok);
      if (ok) { n++; }
    });
    shown.textContent = n + " of " + all.length + " shown";
  }
  // What is chosen stands in the address, so that it can be passed on: #status=failed&text=@LB-4.
  function read() {
    var chosen = new URLSearchParams(location.hash.slice(1));
    var statuses = chosen.get("status");
    form.querySelectorAll("input[name=status]").forEach(function (box) {
      box.checked = statuses === null || statuses.split(",").indexOf(box.value) >= 0;
    });
    form.elements.station.value = chosen.get("station") || "";
    if (form.elements.station.selectedIndex < 0) { form.elements.station.value = ""; }
    form.elements.text.value = chosen.get("text") || "";
    filter();
    if (chosen.size) { form.scrollIntoView(); }
  }
  function write() {
    var chosen = new URLSearchParams();
    var boxes = Array.prototype.slice.call(form.querySelectorAll("input[name=status]"));
    var checked = boxes.filter(function (box) { return box.checked; });
    if (checked.length < boxes.length) { chosen.set("status", checked.map(function (box) { return box.value; }).join(",")); }
    if (form.elements.station.value) { chosen.set("station", form.elements.station.value); }
    if (form.elements.text.value) { chosen.set("text", form.elements.text.value); }
    history.replaceState(null, "", "#" + chosen);
    filter();
  }
  form.addEventListener("input", write);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  window.addEventListener("hashchange", read);
  document.addEventListener("click", function (event) {
    var copy = event.target.dataset.copy;
    if (copy && navigator.clipboard) {
      navigator.clipboard.writeText(copy).then(function () { event.target.textContent = "copied"; });
    }
  });
  read();
})();
