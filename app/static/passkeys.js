// Makes and shows passkeys. A form with data-passkey="create" or "get" asks its data-options
// address what to sign, lets the browser do it, and then goes out as any other form.
(() => {
  const decode = (text) => {
    const base64 = text.replace(/-/g, "+").replace(/_/g, "/");
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  };
  const encode = (buffer) => {
    const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };
  const described = (list) => (list || []).map((one) => ({ ...one, id: decode(one.id) }));

  const create = async (options) => {
    const publicKey = {
      ...options,
      challenge: decode(options.challenge),
      user: { ...options.user, id: decode(options.user.id) },
      excludeCredentials: described(options.excludeCredentials),
    };
    const made = await navigator.credentials.create({ publicKey });
    const transports = made.response.getTransports ? made.response.getTransports() : [];
    return answer(made, { attestationObject: encode(made.response.attestationObject), transports });
  };

  const get = async (options) => {
    const publicKey = {
      ...options,
      challenge: decode(options.challenge),
      allowCredentials: described(options.allowCredentials),
    };
    const shown = await navigator.credentials.get({ publicKey });
    const { authenticatorData, signature, userHandle } = shown.response;
    return answer(shown, {
      authenticatorData: encode(authenticatorData),
      signature: encode(signature),
      userHandle: userHandle ? encode(userHandle) : null,
    });
  };

  const answer = (credential, response) =>
    JSON.stringify({
      id: credential.id,
      rawId: encode(credential.rawId),
      type: credential.type,
      response: { ...response, clientDataJSON: encode(credential.response.clientDataJSON) },
    });

  const ask = async (form) => {
    const reply = await fetch(form.dataset.options, {
      method: "POST",
      headers: { "X-CSRF-Token": form.elements.csrf_token.value },
    });
    if (reply.status === 429) {
      throw new Error("Too many attempts. Wait a few minutes, then try again.");
    }
    if (!reply.ok || !(reply.headers.get("Content-Type") || "").includes("json")) {
      throw new Error("This page is out of date. Load it again, then repeat.");
    }
    return reply.json();
  };

  const words = (error) => {
    if (error.name === "NotAllowedError") {
      return "No passkey was used: it was cancelled, took too long, or none fits here.";
    }
    if (error.name === "InvalidStateError") {
      return "This device has a passkey for your account already.";
    }
    if (error.name === "SecurityError") {
      return "The browser makes no passkeys for this address.";
    }
    return error instanceof DOMException ? "The browser could not use a passkey." : error.message;
  };

  const run = async (form) => {
    const options = await ask(form);
    const use = form.dataset.passkey === "create" ? create : get;
    form.elements.credential.value = await use(options);
    form.submit();
  };

  const prepare = (form) => {
    const button = form.querySelector("button[type=submit]");
    const problem = form.querySelector("[data-problem]");
    const tell = (text) => {
      problem.textContent = text;
      problem.hidden = !text;
    };
    form.querySelector("[data-without-script]").hidden = true;
    if (!window.PublicKeyCredential) {
      tell("This browser knows no passkeys.");
      return;
    }
    button.disabled = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      tell("");
      button.disabled = true;
      try {
        await run(form);
      } catch (error) {
        tell(words(error));
        button.disabled = false;
      }
    });
  };

  document.querySelectorAll("form[data-passkey]").forEach(prepare);
})();
