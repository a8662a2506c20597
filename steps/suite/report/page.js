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
  form.addEventListener("input", filter);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  document.addEventListener("click", function (event) {
    var requirement = event.target.dataset.requirement;
    if (requirement) {
      event.preventDefault();
      form.elements.text.value = "@" + requirement;
      filter();
      form.scrollIntoView();
    }
    var copy = event.target.dataset.copy;
    if (copy && navigator.clipboard) {
      navigator.clipboard.writeText(copy).then(function () { event.target.textContent = "copied"; });
    }
  });
  filter();
})();
