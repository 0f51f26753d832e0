// The control API: how a test changes the server, plays the person, and asks what happened. Plain http on loopback;
// JSON both ways; an error answers 400 with `{"error": …}`.

import http from 'node:http';

const BODY_LIMIT_BYTES = 1024 * 1024;

/**
 * Serves the control API, and the introspection endpoint for Dovecot: on this port rather than at the authority, so that
 * mail goes on working while the authority is closed, as Exchange does with tokens it can check by itself.
 */
export function createControlServer({ config, settings, store, faults, activity, person, authority, introspect }) {
  const knownUser = (address) => {
    if (!config.users.some((user) => user.address === address)) throw new Error(`unknown user ${address}`);
    return address;
  };
  const knownCode = (userCode) => {
    const code = store.deviceCode(String(userCode));
    if (!code) throw new Error(`unknown user_code ${userCode}`);
    return code;
  };
  const state = () => ({
    settings,
    authority_open: authority.isOpen(),
    requests: activity.requests(),
    faults: faults.list(),
    device_codes: [...store.all('DeviceCode')].map((code) => describeCode(code, activity)),
  });

  const routes = {
    'GET /state': () => state(),
    'GET /requests': () => activity.requests(),
    'GET /tokens': () => ({ tokens: store.tokens() }),
    'POST /reset': () => {
      settings.reset();
      faults.clear();
      activity.reset();
      store.reset();
    },
    'POST /settings': (changes) => {
      settings.change(changes);
      return settings;
    },
    'POST /faults': (body) => [body].flat().forEach((fault) => faults.add(fault)),
    'DELETE /faults': () => faults.clear(),
    'POST /approve': ({ user_code: userCode, user, withhold }) => person.approve(userCode, knownUser(user), withhold),
    'POST /decline': ({ user_code: userCode, user = config.users[0].address, at = 'consent' }) => (
      person.decline(userCode, knownUser(user), at)),
    'POST /authorize': async ({ url, user, withhold, decline }) => ({
      redirect: await person.authorize(url, knownUser(user), { withhold, decline }),
    }),
    'POST /expire': ({ user_code: userCode, user, app }) => {
      if (userCode) return store.expireDeviceCode(knownCode(userCode));
      return { expired: app ? store.expireAppTokens() : store.expireAccessTokens(knownUser(user)) };
    },
    'POST /revoke': ({ user, what = 'all' }) => ({ revoked: store.revoke(knownUser(user), what) }),
    'POST /authority': async ({ open }) => {
      await (open ? authority.open() : authority.close());
      return { authority_open: authority.isOpen() };
    },
  };

  return http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://control');
    if (pathname === '/introspection') {
      activity.count('introspection');
      request.url = '/token/introspection';
      introspect(request, response);
      return;
    }
    const route = routes[`${request.method} ${pathname}`];
    try {
      if (!route) throw new Error(`no such call; known: ${Object.keys(routes).join(', ')}`);
      send(response, 200, await route(await readJson(request)) ?? { ok: true });
    } catch (error) {
      send(response, 400, { error: error.message });
    }
  });
}

function describeCode(code, activity) {
  const expired = code.exp * 1000 <= Date.now();
  const waiting = expired ? 'expired' : 'pending';
  const answered = code.accountId ? 'approved' : waiting;
  return {
    user_code: code.userCode,
    status: code.error ? 'declined' : answered,
    user: code.accountId ?? null,
    redeemed: Boolean(code.consumed),
    scope: code.params.scope,
    expires_at: code.exp,
    ...activity.polls(code.jti),
  };
}

async function readJson(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_LIMIT_BYTES) throw new Error('request too large');
    chunks.push(chunk);
  }
  return size === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
}

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
