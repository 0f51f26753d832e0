// Entra's front: its paths before `oidc-provider`'s, and its shape on the answers that come back. Sources: Microsoft's
// "v2-oauth2-device-code", "v2-oauth2-auth-code-flow" and "v2-protocols-oidc" pages.

import { applyFault } from './faults.js';
import { APP_SCOPES, RESOURCE_SCOPES, SCOPES } from './provider.js';
import { errorBody, refuse, refuseAs } from './refusals.js';

/** Path under `/{tenant}` -> the name counted and faulted by tests, and the path `oidc-provider` knows. */
const ENDPOINTS = {
  '/oauth2/v2.0/devicecode': { name: 'devicecode', path: '/device/auth' },
  '/oauth2/v2.0/token': { name: 'token', path: '/token' },
  '/oauth2/v2.0/authorize': { name: 'authorize', path: '/auth' },
  '/oauth2/v2.0/revoke': { name: 'revoke', path: '/token/revocation' },
  '/discovery/v2.0/keys': { name: 'keys', path: '/jwks' },
  '/v2.0/.well-known/openid-configuration': { name: 'discovery' },
};

const SHARED_TENANTS = ['common', 'organizations', 'consumers'];
/** Pages a person's browser visits; they stand outside every tenant. */
const PAGE = /^\/(device|auth|interaction)(\/|$)/;
const FORM_LIMIT_BYTES = 64 * 1024;

/** Middleware that gives every request its endpoint, counts it, lets faults in, and shapes the answer. */
export function entraFront(config, settings, faults, activity, store) {
  return async (ctx, next) => {
    const route = findRoute(config, ctx.path);
    if (!route) {
      ctx.status = 404;
      return;
    }
    const { endpoint, tenant } = route;
    const form = ctx.method === 'POST' && ['devicecode', 'token'].includes(endpoint.name) ? await readForm(ctx) : undefined;
    const grant = form?.grant_type?.split(':').pop();
    activity.count(endpoint.name, grant);
    const fault = faults.take(endpoint.name, grant);
    const answer = () => serve(ctx, next, { config, settings, activity, store, endpoint, tenant, form });
    await (fault ? applyFault(fault, ctx, answer) : answer());
  };
}

function findRoute(config, path) {
  if (PAGE.test(path)) return { endpoint: { name: 'page', path } };
  const [, tenant, rest] = /^\/([^/]+)(\/.*)$/.exec(path) ?? [];
  const endpoint = ENDPOINTS[rest];
  return endpoint && { endpoint, tenant };
}

async function readForm(ctx) {
  const chunks = [];
  let size = 0;
  for await (const chunk of ctx.req) {
    size += chunk.length;
    if (size > FORM_LIMIT_BYTES) ctx.throw(413);
    chunks.push(chunk);
  }
  const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
  // `oidc-provider` takes an already parsed body from here.
  ctx.req.body = form;
  return form;
}

async function serve(ctx, next, request) {
  const { config, endpoint, tenant, form } = request;
  if (tenant && ![config.tenant, config.domain, ...SHARED_TENANTS].includes(tenant)) {
    refuse(ctx, errorBody('invalid_tenant', 90002, `Tenant '${tenant}' not found.`));
    return;
  }
  if (endpoint.name === 'discovery') {
    ctx.body = discovery(config, tenant);
    return;
  }
  const forApp = form?.grant_type === 'client_credentials';
  if (forApp) {
    if (!(form.scope in APP_SCOPES)) {
      refuse(ctx, errorBody('invalid_scope', 1002012, `The provided value for scope ${form.scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.`));
      return;
    }
    form.scope = APP_SCOPES[form.scope].join(' ');
  } else if (form?.scope && scopesOf(form.scope).some((scope) => !SCOPES.includes(scope))) {
    refuseAs(ctx, 'invalid_scope');
    return;
  }
  if (endpoint.name === 'authorize') adaptAuthorizeQuery(ctx);
  ctx.path = endpoint.path;
  await next();
  if (endpoint.name === 'devicecode') shapeDeviceCode(ctx, request);
  if (endpoint.name === 'token') shapeToken(ctx, request);
}

const scopesOf = (scope) => scope.split(' ').filter(Boolean);

/** Entra grants offline_access without a consent prompt and knows `select_account`; `oidc-provider` does neither. */
function adaptAuthorizeQuery(ctx) {
  const { prompt } = ctx.query;
  if (prompt === undefined) ctx.query = { ...ctx.query, prompt: 'consent' };
  if (prompt === 'select_account') ctx.query = { ...ctx.query, prompt: 'login consent' };
}

function discovery(config, tenant) {
  const base = `${config.authority}/${tenant}`;
  // On the shared tenants the issuer is a template, which strict OIDC libraries trip over.
  const issuerTenant = SHARED_TENANTS.includes(tenant) ? '{tenantid}' : config.tenant;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${config.authority}/${issuerTenant}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'nonce', 'preferred_username', 'name', 'tid', 'email'],
    tenant_region_scope: null,
    cloud_instance_name: new URL(config.authority).host,
  };
}

function shapeDeviceCode(ctx, { settings }) {
  if (ctx.status !== 200) {
    shapeRefusal(ctx);
    return;
  }
  const { user_code: userCode, device_code: deviceCode, verification_uri: uri, expires_in: expiresIn } = ctx.body;
  ctx.body = {
    user_code: userCode,
    device_code: deviceCode,
    verification_uri: uri,
    expires_in: expiresIn,
    interval: settings.interval_s,
    message: `To sign in, use a web browser to open the page ${uri} and enter the code ${userCode} to authenticate.`,
  };
}

function shapeToken(ctx, { settings, activity, store, form }) {
  if (form.device_code) activity.poll(form.device_code);
  if (ctx.status !== 200) {
    if (ctx.body?.error === 'authorization_pending' && settings.takeSlowDown()) ctx.body.error = 'slow_down';
    shapeRefusal(ctx);
    return;
  }
  if (form.grant_type === 'client_credentials') {
    const { token_type: tokenType, expires_in: expiresIn, access_token: accessToken } = ctx.body;
    ctx.body = { token_type: tokenType, expires_in: expiresIn, ext_expires_in: expiresIn, access_token: accessToken };
    return;
  }
  const granted = scopesOf(ctx.body.scope).filter(isAskedFor(form));
  store.narrow(ctx.body.access_token, granted);
  const resources = Object.values(RESOURCE_SCOPES).filter((scopes) => scopes.some((scope) => granted.includes(scope)));
  if (resources.length > 1) {
    refuse(ctx, errorBody('invalid_request', 28000, 'Provided value for the input parameter scope is not valid because it contains more than one resource.'));
    return;
  }
  ctx.body = {
    token_type: ctx.body.token_type,
    scope: granted.filter((scope) => scope !== 'offline_access').join(' '),
    expires_in: ctx.body.expires_in,
    ext_expires_in: ctx.body.expires_in,
    access_token: ctx.body.access_token,
    refresh_token: form.grant_type === 'refresh_token' && settings.rotation === 'keep' ? undefined : ctx.body.refresh_token,
    id_token: ctx.body.id_token,
  };
}

/**
 * Entra makes the token of a code for the scopes it is redeemed with, and keeps the rest for the refresh token;
 * `oidc-provider` makes it for all that was agreed to.
 */
function isAskedFor({ grant_type: grant, scope }) {
  const asked = grant === 'authorization_code' && scope ? scopesOf(scope) : undefined;
  return (granted) => asked?.includes(granted) ?? true;
}

function shapeRefusal(ctx) {
  refuseAs(ctx, ctx.body?.error ?? 'server_error', ctx.state.refusal?.error_detail);
}
