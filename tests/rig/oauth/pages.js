// The pages a person sees: enter the code, confirm it, who are you, do you agree, done. Plain forms, so that a script can
// fill them in as a person would, and nothing fetched from elsewhere.

const PAGE = /^\/interaction\/([^/]+)(?:\/(login|consent|cancel))?$/;
const CANCELLED = { error: 'access_denied', error_description: 'the person cancelled' };

const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
const page = (title, body) => `<!DOCTYPE html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}`;
const cancelForm = (uid) => `<form id="cancel" method="post" action="/interaction/${uid}/cancel"><button>Cancel</button></form>`;

/** The pages around the code; `oidc-provider` brings their forms, with the ids used here. */
export const devicePages = {
  userCodeInputSource: (ctx, form, _out, error) => {
    ctx.body = page(error ? 'That code did not work' : 'Enter code', `${form}<button form="op.deviceInputForm">Next</button>`);
  },
  userCodeConfirmSource: (ctx, form, client, _deviceInfo, userCode) => {
    ctx.body = page('Are you trying to sign in?', `<p>${escape(client.clientName)} shows the code ${escape(userCode)}</p>${form}
      <button form="op.deviceConfirmForm">Continue</button>
      <button form="op.deviceConfirmForm" name="abort" value="yes">Cancel</button>`);
  },
  successSource: (ctx) => { ctx.body = page('Signed in', '<p>You may close this window.</p>'); },
};

/** Middleware for `/interaction/{uid}` and the forms on it. */
export function interactionPages(provider) {
  return async (ctx, next) => {
    const [matched, uid, step] = PAGE.exec(ctx.path) ?? [];
    if (!matched) {
      await next();
      return;
    }
    const details = await provider.interactionDetails(ctx.req, ctx.res);
    if (ctx.method === 'POST') {
      const result = await answer(provider, details, step, await readFields(ctx));
      ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
      ctx.status = 303;
    } else {
      ctx.body = details.prompt.name === 'login' ? loginPage(uid, details) : consentPage(uid, details);
    }
  };
}

function loginPage(uid, { params }) {
  return page('Pick an account', `
    <form id="login" method="post" action="/interaction/${uid}/login">
      <input type="text" name="login" value="${escape(params.login_hint ?? '')}"><button>Next</button>
    </form>${cancelForm(uid)}`);
}

function consentPage(uid, { prompt }) {
  const boxes = (prompt.details.missingOIDCScope ?? []).map((scope) => (
    `<label><input type="checkbox" name="scope" value="${escape(scope)}" checked>${escape(scope)}</label>`));
  return page('Permissions requested', `
    <form id="consent" method="post" action="/interaction/${uid}/consent">${boxes.join('')}<button>Accept</button></form>
    ${cancelForm(uid)}`);
}

async function readFields(ctx) {
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

async function answer(provider, details, step, fields) {
  if (step === 'cancel') return CANCELLED;
  if (step === 'login') return { login: { accountId: fields.get('login').toLowerCase() } };
  return { consent: { grantId: await grantFor(provider, details, fields.getAll('scope')) } };
}

/** Records what was agreed to; a box left unchecked is a refused scope, and the sign-in goes on with the rest. */
async function grantFor(provider, { grantId, session, params, prompt }, accepted) {
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const asked = prompt.details.missingOIDCScope ?? [];
  grant.addOIDCScope(asked.filter((scope) => accepted.includes(scope)).join(' '));
  grant.rejectOIDCScope(asked.filter((scope) => !accepted.includes(scope)).join(' '));
  grant.addOIDCClaims(prompt.details.missingOIDCClaims ?? []);
  return grant.save();
}
