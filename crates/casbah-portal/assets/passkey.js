// Lets forms that ask for a passkey ask the browser for it. Without script, or in a browser that has no
// passkeys, these forms stay hidden and the page offers other ways.
const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const withBytes = (list) => (list ?? []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));

async function ask(options) {
  options.challenge = toBytes(options.challenge);
  if (!options.user) {
    return navigator.credentials.get({
      publicKey: { ...options, allowCredentials: withBytes(options.allowCredentials) },
    });
  }
  options.user.id = toBytes(options.user.id);
  return navigator.credentials.create({
    publicKey: { ...options, excludeCredentials: withBytes(options.excludeCredentials) },
  });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = form.querySelector("[data-problem]");
    problem.hidden = true;
    try {
      const credential = await ask(JSON.parse(form.dataset.passkey));
      const { response } = credential;
      const parts = {
        client_data: response.clientDataJSON,
        attestation: response.attestationObject,
        authenticator_data: response.authenticatorData,
        signature: response.signature,
        user_handle: response.userHandle,
      };
      form.elements.namedItem("id").value = credential.id;
      for (const [name, bytes] of Object.entries(parts)) {
        form.elements.namedItem(name).value = bytes ? toText(bytes) : "";
      }
      form.submit();
    } catch (error) {
      problem.textContent = error.name === "InvalidStateError"
        ? "This device has a passkey of yours already."
        : "The passkey was not used. Try again, or take another way.";
      problem.hidden = false;
    }
  });
}
