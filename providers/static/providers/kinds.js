// The form of a new provider suggests what its kind usually is: address, signing, and where its key may be found.
document.addEventListener("DOMContentLoaded", () => {
  const kind = document.querySelector("select[name=kind][data-kinds]");
  if (kind) {
    const kinds = JSON.parse(kind.dataset.kinds);
    const told = document.createElement("p");
    told.className = "gw-faint";
    told.setAttribute("role", "status");
    kind.parentElement.after(told);
    const suggest = () => {
      const said = kinds[kind.value];
      for (const name of ["base_url", "auth_header", "auth_scheme"]) {
        const field = document.querySelector(`input[name=${name}]`);
        if (!field) continue;
        field.placeholder = said?.[name] ?? "";
        if (name === "base_url" && said && (!field.value || field.dataset.suggested === field.value)) {
          field.value = field.dataset.suggested = said.base_url;
        }
      }
      told.textContent = said?.told ?? "";
      for (const field of document.querySelectorAll("input[name$=env_var]")) {
        field.placeholder = said?.env_vars[0] ?? "";
      }
    };
    kind.addEventListener("change", suggest);
    if (kind.value) suggest();
  }
});
