//! Who a message is from and which account hands it over. Pure.

use crate::engine::freeze::Author;
use crate::model::account::{AccountName, AccountSettings};
use crate::model::address::EmailAddress;
use crate::model::identity::{Identity, Route, Sender, route};

/// What routing knows of an account.
#[must_use]
pub fn sender(settings: &AccountSettings) -> Sender {
    Sender {
        account: settings.name.clone(),
        address: settings.address.clone(),
        identities: settings.all_identities(),
    }
}

/// The author of a message written in `home` as `from`, and the way it takes. The display name of
/// the chosen identity stays even where the address is rewritten.
#[must_use]
pub fn author_and_route(
    from: Option<&EmailAddress>,
    home: &AccountSettings,
    all: &[&AccountSettings],
    fallback: Option<&AccountName>,
) -> (Author, Route) {
    let from = from.unwrap_or(&home.address);
    let senders: Vec<Sender> = all.iter().map(|settings| sender(settings)).collect();
    let fallback = senders.iter().find(|sender| Some(&sender.account) == fallback);
    let route = route(from, &sender(home), &senders, fallback);
    let identities = home.all_identities();
    let identity: Option<&Identity> =
        identities.iter().find(|identity| identity.address.same_mailbox(from.as_str()));
    let author = Author {
        address: route.from.clone(),
        display_name: identity
            .map_or_else(|| home.display_name.clone(), |identity| identity.display_name.clone()),
        reply_to: identity.and_then(|identity| identity.reply_to.clone()),
    };
    (author, route)
}
