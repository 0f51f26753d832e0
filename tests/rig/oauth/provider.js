// The certified server itself: `oidc-provider` with one public native client (Posthaste), one app that signs in without a
// person, and one confidential client that may only introspect (Dovecot).

import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';
import { devicePages } from './pages.js';

const OUTLOOK = 'https://outlook.office.com/';
const GRAPH = 'https://graph.microsoft.com/';

/** What an administrator gave the app; Entra gives all of it to whoever asks for `.default` of the resource. */
export const APP_SCOPES = {
  'https://outlook.office365.com/.default': ['IMAP.AccessAsApp', 'SMTP.SendAsApp'].map((name) => OUTLOOK + name),
};

/** Full scope strings by resource. An access token serves one resource only, as on Entra. */
export const RESOURCE_SCOPES = {
  [OUTLOOK]: ['IMAP.AccessAsUser.All', 'SMTP.Send'].map((name) => OUTLOOK + name),
  [GRAPH]: ['Mail.Send', 'Mail.ReadWrite', 'User.Read'].map((name) => GRAPH + name),
};

export const SCOPES = ['openid', 'profile', 'email', 'offline_access', ...Object.values(RESOURCE_SCOPES).flat()];

// Identifiers are 64-symbol strings, so each character carries six bits.
const BITS_PER_CHARACTER = 6;

export function createProvider(config, settings, store) {
  const users = new Map(config.users.map((user) => [user.address, user]));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  return new Provider(config.issuer, {
    adapter: (model) => store.adapter(model),
    clients: [
      {
        client_id: config.client_id,
        client_name: 'Posthaste',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code'],
        // Loopback redirects match on any port (RFC 8252, section 7.3).
        redirect_uris: ['http://localhost', 'http://localhost/', 'http://127.0.0.1', 'http://127.0.0.1/'],
      },
      {
        client_id: config.app.client_id,
        client_secret: config.app.client_secret,
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
      {
        client_id: config.introspection.client_id,
        client_secret: config.introspection.client_secret,
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: [],
        response_types: [],
        redirect_uris: [],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: randomUUID() }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    // The default of 15 s would keep an expired token working and make expiry impossible to test quickly.
    clockTolerance: 0,
    scopes: [...SCOPES, ...Object.values(APP_SCOPES).flat()],
    claims: {
      openid: ['sub', 'oid', 'tid'],
      profile: ['name', 'preferred_username'],
      email: ['email'],
    },
    // Entra puts the profile claims into the id_token itself.
    conformIdTokenClaims: false,
    findAccount: (_ctx, address) => {
      const user = users.get(address);
      return user && {
        accountId: address,
        claims: async () => ({
          sub: address,
          oid: user.oid,
          tid: config.tenant,
          name: user.name,
          preferred_username: address,
          email: address,
        }),
      };
    },
    // What Dovecot reads to know whose token it is looking at: a person's, or one of an app, with a mailbox it was given.
    extraTokenClaims: (_ctx, token) => (token.accountId
      ? { username: token.accountId, mailbox_of_app: 'none' }
      : { username: 'app', mailbox_of_app: config.app.mailboxes[0] }),
    features: {
      devInteractions: { enabled: false },
      deviceFlow: {
        enabled: true,
        mask: '*********', // Entra's codes have nine characters and no dash
        ...devicePages,
      },
      clientCredentials: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client) => client.clientId === config.introspection.client_id,
      },
      revocation: { enabled: true },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: { enabled: false },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    // Tokens outlive the browser session that approved them.
    expiresWithSession: () => false,
    rotateRefreshToken: () => settings.rotation !== 'keep',
    formats: {
      bitsOfOpaqueRandomness: (_ctx, token) => BITS_PER_CHARACTER * ({
        AccessToken: settings.access_token_chars,
        ClientCredentials: settings.access_token_chars,
        RefreshToken: settings.refresh_token_chars,
        DeviceCode: 200,
      }[token.kind] ?? 43),
    },
    ttl: {
      AccessToken: () => settings.access_token_lifetime_s,
      ClientCredentials: () => settings.access_token_lifetime_s,
      RefreshToken: () => settings.refresh_token_lifetime_s,
      DeviceCode: () => settings.device_code_lifetime_s,
      AuthorizationCode: 600,
      Grant: 400 * 24 * 3600,
      IdToken: 3600,
      Interaction: 3600,
      Session: 3600,
    },
  });
}
