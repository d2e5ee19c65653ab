// One press of the button sends one test, and says that it is under way.
const form = document.getElementById("test-form");
form?.addEventListener("submit", () => {
  document.getElementById("test-waiting").textContent = form.dataset.waiting;
  form.querySelector("button").disabled = true;
});
