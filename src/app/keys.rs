//! From keys to actions, and from everything else to typing.

use crate::app::App;
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::keymap::{Context, Found};
use crate::app::layer::Layer;
use crate::app::layout::Pane;
use crate::app::msg::Key;
use crate::app::text_field::Typed;

impl App {
    /// Where a key is looked up now, the narrowest context first.
    #[must_use]
    pub fn contexts(&self) -> Vec<Context> {
        if let Some(top) = self.layers.last() {
            return top.contexts();
        }
        let pane: &[Context] = match self.mail.focus {
            Pane::Folders => &[Context::Folders],
            Pane::List => &[Context::List],
            Pane::Reader => &[Context::Reader],
        };
        let below = [Context::Mail, Context::Moving, Context::Everywhere];
        pane.iter().copied().chain(below).collect()
    }

    /// Whether `action` can be done now; decides which keys the bottom line names.
    #[must_use]
    pub fn offers(&self, action: Action) -> bool {
        match self.layers.last() {
            Some(Layer::Run(run)) => run.offers(action),
            Some(Layer::Wizard(wizard)) => wizard.run.as_ref().is_none_or(|run| run.offers(action)),
            Some(Layer::Problem(told)) => told.offers(action),
            Some(Layer::Help(_)) => action != Action::Open,
            Some(Layer::Sheet(sheet)) => sheet.offers(action),
            Some(
                Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::AccountForm(_)
                | Layer::Outbox(_)
                | Layer::Drafts(_)
                | Layer::Question(_),
            ) => true,
            None => self.mail_offers(action),
        }
    }

    pub(in crate::app) fn key(&mut self, key: Key) -> Vec<Effect> {
        self.begun.push(key);
        match self.keymap.find(&self.contexts(), &self.begun) {
            Found::Action(action) => {
                self.begun.clear();
                let (layers, said) = (self.layers.len(), self.notice.take());
                // What was said of a range ends with it.
                let over = action.chooses() || (action == Action::Back && self.has_chosen());
                let effects = self.act(action, key);
                // What was said before gives the line to the keys of what opens.
                if self.notice.is_none() && self.layers.len() <= layers && !over {
                    self.notice = said;
                }
                effects
            }
            Found::Beginning => Vec::new(),
            Found::Nothing => {
                let alone = self.begun.len() == 1;
                self.begun.clear();
                if alone { self.typed(key) } else { Vec::new() }
            }
        }
    }

    fn typed(&mut self, key: Key) -> Vec<Effect> {
        let writers = self.accounts.writers();
        match self.layers.last_mut() {
            Some(Layer::Wizard(wizard)) => wizard.key(key),
            Some(Layer::AccountForm(about)) => {
                let row = about.form.focused();
                if about.form.key(key) == Typed::Changed {
                    about.changed(row);
                }
            }
            Some(Layer::Run(run)) => run.key(key),
            Some(Layer::Composer(composer)) if composer.sending.is_none() => {
                composer.key(key, &writers);
            }
            Some(Layer::Sheet(_)) => return self.edit_sheet(|field| field.key(key)),
            Some(
                Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::Outbox(_)
                | Layer::Drafts(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            )
            | None => {}
        }
        Vec::new()
    }

    pub(in crate::app) fn paste(&mut self, text: &str) -> Vec<Effect> {
        self.begun.clear();
        match self.layers.last_mut() {
            Some(Layer::Wizard(wizard)) => wizard.paste(text),
            Some(Layer::AccountForm(about)) => {
                let row = about.form.focused();
                about.form.paste(text);
                about.changed(row);
            }
            Some(Layer::Run(run)) => run.paste(text),
            Some(Layer::Composer(composer)) if composer.sending.is_none() => composer.paste(text),
            Some(Layer::Sheet(_)) => return self.edit_sheet(|field| field.paste(text)),
            // Pasted text is never taken for keys: it may come from anywhere.
            Some(
                Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::Outbox(_)
                | Layer::Drafts(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            )
            | None => {}
        }
        Vec::new()
    }
}
