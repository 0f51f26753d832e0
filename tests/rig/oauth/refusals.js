// Error answers in Entra's shape. Names and AADSTS numbers are those of Microsoft's "Microsoft Entra authentication and
// authorization error codes" and of its device-code page; clients must go by `error`, people look up the number.

import { randomUUID } from 'node:crypto';

/** The first row whose `error` (and `detail`, where given) fits what `oidc-provider` said decides the answer. */
const REFUSALS = [
  { error: 'authorization_pending', aadsts: 70016, text: 'OAuth 2.0 device flow error. Authorization is pending. Continue polling.' },
  { error: 'slow_down', aadsts: 70016, text: 'OAuth 2.0 device flow error. Polling too fast. Continue polling more slowly.' },
  { error: 'expired_token', aadsts: 70019, text: 'The verification code has expired. Restart the sign-in.' },
  { error: 'access_denied', as: 'authorization_declined', aadsts: 65004, text: 'User declined to consent to access the app.' },
  { error: 'invalid_grant', detail: /^device code not found/, as: 'bad_verification_code', aadsts: 70018, text: 'Bad verification code.' },
  { error: 'invalid_grant', detail: /already consumed/, aadsts: 54005, text: 'OAuth2 Authorization code was already redeemed.' },
  { error: 'invalid_grant', detail: /^grant/, aadsts: 50173, text: 'The provided grant has expired due to it being revoked, a fresh auth token is needed.' },
  { error: 'invalid_grant', detail: /is expired$/, aadsts: 700082, text: 'The refresh token has expired due to inactivity.' },
  { error: 'invalid_grant', aadsts: 70000, text: 'The provided value for the input parameter is not valid.' },
  { error: 'invalid_client', detail: /^invalid secret/, status: 401, aadsts: 7000215, text: 'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.' },
  { error: 'invalid_client', detail: /does not match the registered/, status: 401, aadsts: 7000218, text: 'The request body must contain the following parameter: \'client_assertion\' or \'client_secret\'.' },
  { error: 'invalid_client', as: 'unauthorized_client', aadsts: 700016, text: 'Application was not found in the directory.' },
  { error: 'invalid_scope', detail: /missing requested scope/, as: 'invalid_grant', aadsts: 65001, text: 'The user or administrator has not consented to use the application.' },
  { error: 'invalid_scope', aadsts: 70011, text: 'The provided value for the input parameter \'scope\' is not valid.' },
  { error: 'unsupported_grant_type', aadsts: 70003, text: 'The app requested an unsupported grant type.' },
  { error: 'invalid_request', aadsts: 900144, text: 'The request body is malformed or lacks a required parameter.' },
];

/** One error body as Entra writes it. */
export function errorBody(error, aadsts, text) {
  const traceId = randomUUID();
  const correlationId = randomUUID();
  const timestamp = `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    error,
    error_description: `AADSTS${aadsts}: ${text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [aadsts],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${aadsts}`,
  };
}

/** Answers with `body` and the status Entra uses for nearly every refusal. */
export function refuse(ctx, body, status = 400) {
  ctx.status = status;
  ctx.body = body;
}

/** Refuses as Entra would where `oidc-provider` said `error`; `detail` is its reason, which never leaves the server by itself. */
export function refuseAs(ctx, error, detail = '') {
  const row = REFUSALS.find((entry) => entry.error === error && (!entry.detail || entry.detail.test(detail)));
  const body = row ? errorBody(row.as ?? error, row.aadsts, row.text) : errorBody(error, 90033, `A transient error has occurred (${error}).`);
  refuse(ctx, body, row?.status);
}
