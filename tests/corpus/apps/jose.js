// https://github.com/panva/jose: signing, verification, encryption, key sets.
import * as jose from "jose";

const routes = {
  async hs256() {
    const secret = new TextEncoder().encode("cc7e0d44fd473002f1c42167459001140ec6389b7353f8088f4d9a95f2f596f2");
    const jwt = await new jose.SignJWT({ "urn:example:claim": true })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuedAt()
      .setIssuer("urn:example:issuer")
      .setAudience("urn:example:audience")
      .setExpirationTime("2h")
      .sign(secret);
    const options = { issuer: "urn:example:issuer", audience: "urn:example:audience" };
    const { payload, protectedHeader } = await jose.jwtVerify(jwt, secret, options);
    const wrong = await jose.jwtVerify(jwt, secret, { issuer: "urn:other" }).catch((error) => error.code);
    return { claim: payload["urn:example:claim"], alg: protectedHeader.alg, wrong };
  },
  async es256() {
    const { publicKey, privateKey } = await jose.generateKeyPair("ES256", { extractable: true });
    const jwk = { ...(await jose.exportJWK(publicKey)), kid: "1", alg: "ES256" };
    const jws = await new jose.CompactSign(new TextEncoder().encode("It's a trap"))
      .setProtectedHeader({ alg: "ES256", kid: "1" })
      .sign(privateKey);
    const { payload } = await jose.compactVerify(jws, jose.createLocalJWKSet({ keys: [jwk] }));
    const pem = await jose.exportSPKI(publicKey);
    const imported = await jose.importSPKI(pem, "ES256");
    return { text: new TextDecoder().decode(payload), type: imported.type, kty: jwk.kty };
  },
  async jwe() {
    const { publicKey, privateKey } = await jose.generateKeyPair("RSA-OAEP-256");
    const jwe = await new jose.CompactEncrypt(new TextEncoder().encode("secret text"))
      .setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM" })
      .encrypt(publicKey);
    const { plaintext } = await jose.compactDecrypt(jwe, privateKey);
    return { parts: jwe.split(".").length, text: new TextDecoder().decode(plaintext) };
  },
  async eddsa() {
    // RFC 8037, appendix A.
    const jwk = {
      kty: "OKP",
      crv: "Ed25519",
      d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
      x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    };
    const key = await jose.importJWK(jwk, "EdDSA");
    const jws = await new jose.CompactSign(new TextEncoder().encode("Example of Ed25519 signing"))
      .setProtectedHeader({ alg: "EdDSA" })
      .sign(key);
    return { jws, thumbprint: await jose.calculateJwkThumbprint(jwk) };
  },
};

export default {
  async fetch(request) {
    return Response.json(await routes[new URL(request.url).pathname.slice(1)]());
  },
};
