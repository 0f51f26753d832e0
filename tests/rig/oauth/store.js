// Everything the OAuth server remembers, in memory. It differs from the adapter that comes with `oidc-provider` in what
// the tests need: expired entries stay (so that "expired" and "unknown" get different answers), and a person's tokens
// can be listed, expired and revoked.

const epochSeconds = () => Math.floor(Date.now() / 1000);

export class Store {
  #entries = new Map();

  #settings;

  constructor(settings) {
    this.#settings = settings;
  }

  reset() {
    // Registered clients are part of the server's configuration, not of its state.
    for (const key of this.#entries.keys()) {
      if (!key.startsWith('Client:')) this.#entries.delete(key);
    }
  }

  /** All payloads of one model, for example `DeviceCode`. */
  * all(model) {
    for (const [key, payload] of this.#entries) {
      if (key.startsWith(`${model}:`)) yield payload;
    }
  }

  /** Every secret the server has handed out and still knows: what must never be found in a log. */
  tokens() {
    const models = ['AccessToken', 'ClientCredentials', 'RefreshToken', 'DeviceCode'];
    return models.flatMap((model) => [...this.all(model)].map((payload) => payload.jti));
  }

  deviceCode(userCode) {
    const wanted = userCode.toUpperCase().replace(/[^A-Z0-9]/g, '');
    return this.#first('DeviceCode', (code) => code.userCode === wanted);
  }

  /** Ends what `address` has: its access tokens, its refresh tokens, or (`all`) the grants under both. Says how many. */
  revoke(address, what) {
    const models = { access: ['AccessToken'], refresh: ['RefreshToken'], all: ['Grant'] }[what];
    let ended = 0;
    for (const [key, payload] of this.#entries) {
      if (models.some((model) => key.startsWith(`${model}:`)) && payload.accountId === address) {
        this.#entries.delete(key);
        ended += 1;
      }
    }
    return ended;
  }

  /** Makes the access tokens of `address` run out now. Says how many. */
  expireAccessTokens(address) {
    let expired = 0;
    for (const token of this.all('AccessToken')) {
      if (token.accountId === address) {
        token.exp = epochSeconds() - 1;
        expired += 1;
      }
    }
    return expired;
  }

  /** Makes the access tokens of the app run out now. Says how many. */
  expireAppTokens() {
    const tokens = [...this.all('ClientCredentials')];
    for (const token of tokens) token.exp = epochSeconds() - 1;
    return tokens.length;
  }

  /** Leaves an access token these scopes only. */
  narrow(accessToken, scopes) {
    this.#entries.get(`AccessToken:${accessToken}`).scope = scopes.join(' ');
  }

  /** Makes one device code run out now. */
  expireDeviceCode(code) {
    code.exp = epochSeconds() - 1;
  }

  #first(model, matches) {
    for (const payload of this.all(model)) {
      if (matches(payload)) return payload;
    }
    return undefined;
  }

  /** The storage contract of `oidc-provider` for one of its models. */
  adapter(model) {
    const entries = this.#entries;
    const key = (id) => `${model}:${id}`;
    return {
      upsert: async (id, payload) => { entries.set(key(id), payload); },
      find: async (id) => entries.get(key(id)),
      findByUid: async (uid) => this.#first(model, (payload) => payload.uid === uid),
      findByUserCode: async (userCode) => this.deviceCode(userCode),
      destroy: async (id) => { entries.delete(key(id)); },
      consume: async (id) => {
        // Entra lets a replaced refresh token live on; only `strict` makes it single-use.
        if (model === 'RefreshToken' && this.#settings.rotation !== 'strict') return;
        entries.get(key(id)).consumed = epochSeconds();
      },
      revokeByGrantId: async (grantId) => {
        for (const [entry, payload] of entries) {
          if (entry.startsWith(`${model}:`) && payload.grantId === grantId) entries.delete(entry);
        }
      },
    };
  }
}
