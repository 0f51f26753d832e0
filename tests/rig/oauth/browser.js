// Plays the person at the browser: opens pages over https, keeps cookies, fills in and submits the forms it finds. It
// knows nothing of the server's inside, so what it can do a person can do.

import https from 'node:https';

const REDIRECT_LIMIT = 20;

/** Thrown when the pages do not go the way the person wanted; `status` and `title` say what was on screen. */
export class BrowserError extends Error {
  constructor(message, page) {
    super(`${message}: ${page.status} ${page.title || '(no title)'}`);
  }
}

export class Browser {
  #cookies = new Map();

  #authority;

  #ca;

  constructor(authority, ca) {
    this.#authority = authority;
    this.#ca = ca;
  }

  async open(url) {
    return this.#visit('GET', new URL(url));
  }

  /** Submits the form called `id` on `page` with its own values, `values` set over them, and boxes worth one of `unchecked` left out. */
  async submit(page, id, values = {}, unchecked = []) {
    const form = page.forms.find((candidate) => candidate.id === id);
    if (!form) throw new BrowserError(`no form ${id} on the page`, page);
    const kept = form.fields.filter(([name, value]) => !(name in values) && !unchecked.includes(value));
    const body = new URLSearchParams([...kept, ...Object.entries(values)]);
    return this.#visit('POST', new URL(form.action, page.url), body.toString());
  }

  async #visit(method, url, body) {
    let answer = await this.#request(method, url, body);
    let here = url;
    for (let hops = 0; answer.location; hops += 1) {
      if (hops === REDIRECT_LIMIT) throw new Error(`more than ${REDIRECT_LIMIT} redirects`);
      here = new URL(answer.location, here);
      // A redirect away from the authority is the end of its part: it carries the code to the client.
      if (here.origin !== this.#authority) return { ...answer, redirect: here.href, forms: [], title: '' };
      answer = await this.#request('GET', here);
    }
    return { ...answer, url: here, ...parse(answer.text) };
  }

  #request(method, url, body) {
    const headers = { accept: 'text/html', cookie: this.#cookieHeader(url) };
    if (body !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded';
    return new Promise((resolve, reject) => {
      const request = https.request(url, { method, headers, ca: this.#ca, agent: false }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          (response.headers['set-cookie'] ?? []).forEach((line) => this.#keepCookie(line));
          const { statusCode: status, headers: { location } } = response;
          resolve({ status, location, text: Buffer.concat(chunks).toString() });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  /** Cookies with the same name live side by side under different paths (RFC 6265, section 5.3). */
  #keepCookie(line) {
    const [pair, ...attributes] = line.split(/;\s*/);
    const [name] = pair.split('=', 1);
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice('path='.length) ?? '/';
    this.#cookies.set(`${name};${path}`, { pair, path });
  }

  #cookieHeader({ pathname }) {
    return [...this.#cookies.values()]
      .filter(({ path }) => path === '/' || pathname === path || pathname.startsWith(`${path}/`))
      .map(({ pair }) => pair)
      .join('; ');
  }
}

/** Reads title and forms; enough HTML for pages whose author is known. */
function parse(html) {
  const title = /<title>([^<]*)<\/title>/.exec(html)?.[1] ?? '';
  const forms = [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, attributes, inner]) => ({
    id: attribute(attributes, 'id'),
    action: attribute(attributes, 'action'),
    fields: [...inner.matchAll(/<input\b([^>]*)>/g)]
      .map(([, input]) => [attribute(input, 'name'), attribute(input, 'value') ?? ''])
      .filter(([name]) => name),
  }));
  return { title, forms };
}

function attribute(text, name) {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1];
  return value?.replace(/&#(\d+);/g, (_entity, code) => String.fromCharCode(code)).replace(/&amp;/g, '&');
}
