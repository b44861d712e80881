// The page's address: which view it shows, and of what. Back and a copied address restore it.

/** param is a parameter of the address, or "". */
export const param = (name) => new URLSearchParams(location.search).get(name) ?? "";

/** setParams changes parameters; "" removes one. With push, Back undoes the change. */
export function setParams(changes, push = false) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  if (url.href === location.href) return;
  if (push) history.pushState(history.state, "", url);
  else history.replaceState(history.state, "", url);
}
