// The rig's sign-in server: `node server.js CONFIG.json`, where CONFIG.json is written by the rig (see ../servers/oauth.py).
// Runs until SIGTERM.

import { readFileSync } from 'node:fs';
import { Activity } from './activity.js';
import { Authority } from './authority.js';
import { createControlServer } from './control.js';
import { entraFront } from './entra.js';
import { Faults } from './faults.js';
import { interactionPages } from './pages.js';
import { Person } from './person.js';
import { createProvider } from './provider.js';
import { Settings } from './settings.js';
import { Store } from './store.js';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
for (const part of ['key', 'cert', 'ca']) config.tls[part] = readFileSync(config.tls[`${part}_file`], 'utf8');
config.issuer = `${config.authority}/${config.tenant}/v2.0`;

const settings = new Settings();
const store = new Store(settings);
const faults = new Faults();
const activity = new Activity();
const provider = createProvider(config, settings, store);

// The reason of a refusal is told to listeners only; the front turns it into Entra's words.
for (const event of ['grant.error', 'device_authorization.error']) {
  provider.on(event, (ctx, error) => { ctx.state.refusal = error; });
}
provider.on('server_error', (_ctx, error) => console.error(error));

const front = entraFront(config, settings, faults, activity, store);
// Dovecot's introspection comes over plain http on the control port and is none of Entra's paths.
provider.use((ctx, next) => (ctx.secure ? front(ctx, next) : next()));
provider.use(interactionPages(provider));

const handler = provider.callback();
const authority = new Authority(config.tls, config.authority_port, handler);
const control = createControlServer({
  config, settings, store, faults, activity, authority, introspect: handler, person: new Person(config),
});
await authority.open();
control.listen(config.control_port, '127.0.0.1');

process.on('SIGTERM', () => process.exit(0));
