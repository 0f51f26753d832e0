// What a person does with a code or a sign-in link: approve or decline, as any user, at any of the pages.

import { Browser, BrowserError } from './browser.js';

export class Person {
  #config;

  /** `config` gives the authority's origin and the CA its certificate is checked against. */
  constructor(config) {
    this.#config = config;
  }

  /** Enters `userCode`, signs in as `user` and accepts, with the scopes of `withhold` unchecked. */
  async approve(userCode, user, withhold = []) {
    const browser = this.#browser();
    const confirm = await this.#openCode(browser, userCode);
    const login = await browser.submit(confirm, 'op.deviceConfirmForm');
    const end = await this.#consent(browser, login, user, withhold);
    if (end.title !== 'Signed in') throw new BrowserError('not signed in', end);
  }

  /** Declines: at the page that repeats the code (`confirm`) or, signed in, at the permissions (`consent`). */
  async decline(userCode, user, at) {
    const browser = this.#browser();
    const confirm = await this.#openCode(browser, userCode);
    if (at === 'confirm') {
      await browser.submit(confirm, 'op.deviceConfirmForm', { abort: 'yes' });
      return;
    }
    const login = await browser.submit(confirm, 'op.deviceConfirmForm');
    await browser.submit(await this.#login(browser, login, user), 'cancel');
  }

  /** Follows an authorize link to its end; answers the redirect that carries the code (or the refusal) to the client. */
  async authorize(url, user, { withhold = [], decline = false } = {}) {
    const browser = this.#browser();
    const first = await browser.open(url);
    if (first.redirect) return first.redirect;
    const end = decline
      ? await browser.submit(await this.#login(browser, first, user), 'cancel')
      : await this.#consent(browser, first, user, withhold);
    if (!end.redirect) throw new BrowserError('no redirect to the client', end);
    return end.redirect;
  }

  #browser() {
    return new Browser(this.#config.authority, this.#config.tls.ca);
  }

  async #openCode(browser, userCode) {
    const start = await browser.open(`${this.#config.authority}/device`);
    return browser.submit(start, 'op.deviceInputForm', { user_code: userCode });
  }

  async #login(browser, page, user) {
    return browser.submit(page, 'login', { login: user });
  }

  async #consent(browser, page, user, withhold) {
    return browser.submit(await this.#login(browser, page, user), 'consent', {}, withhold);
  }
}
