//! What a panic, or a careless log line, would print of the values that carry secrets: their `Debug`.

use crate::shapes::{Cage, Canary};
use posthaste::auth::error::AuthError;
use posthaste::auth::token::{AccessToken, TokenSet};
use posthaste::engine_api::command::EngineCommand;
use posthaste::engine_api::event::EngineEvent;
use posthaste::engine_api::link::{
    ClientSecretChange, LinkAnswer, LinkRequest, Renewal, Saving, SecretsChoice, SignInInput,
};
use posthaste::model::account::SecretsKind;
use posthaste::model::ids::{AccountId, CommandId};
use posthaste::sandbox::Sandbox;
use posthaste::sandbox::options::SandboxOptions;
use posthaste::secrets::{SecretError, SecretKey, SecretKind, SecretPlaces};
use posthaste::stdx::clock::{Clock, UnixSeconds};
use posthaste::transport::Credential;
use secrecy::SecretString;
use std::fmt::Debug;

const SECRET: &str = "CanarySecret-with+all/kinds=of&signs";

fn secret() -> SecretString {
    SecretString::from(SECRET)
}

#[tokio::test]
async fn a_panic_shows_no_secret() {
    #[track_caller]
    fn check(value: &dyn Debug) {
        let text = format!("{value:?} {value:#?}");
        let canaries = [Canary::new("secret", SECRET)];
        assert!(Cage::new(&canaries).seen_in(text.as_bytes()).is_empty(), "{text}");
    }
    let sandbox = Sandbox::start(SandboxOptions::test(Clock::system())).await.unwrap();
    let (id, account) = (CommandId(1), AccountId(1));
    let sign_ins = [
        SignInInput::RefreshToken(secret()),
        SignInInput::Password(secret()),
        SignInInput::ClientCredentials,
    ];
    for sign_in in sign_ins {
        let request = LinkRequest {
            settings: sandbox.settings(),
            secrets: SecretsChoice::VaultPassphrase(secret()),
            sign_in: sign_in.clone(),
            client_secret: Some(secret()),
            saving: Saving::Anyway,
        };
        check(&request);
        check(&EngineCommand::Link { id, request: Box::new(request) });
        let client_secret = ClientSecretChange::Replace(secret());
        let renewal = Box::new(Renewal { client_secret, ..Renewal::by(sign_in) });
        check(&EngineCommand::SignInAgain { id, account, renewal });
    }
    check(&EngineCommand::AnswerLink { id, answer: LinkAnswer::Pasted(secret()) });
    check(&EngineCommand::ExportAccounts { id, accounts: vec![account], passphrase: secret() });
    let to = SecretsChoice::VaultPassphrase(secret());
    check(&EngineCommand::MoveSecrets { id, account, to });
    let (token, expires_at) = (secret(), UnixSeconds(0));
    let user = sandbox.settings().address;
    check(&EngineEvent::TokenReady { id, token, user, expires_at });
    let access = AccessToken { secret: secret(), expires_at, scopes: Vec::new() };
    check(&TokenSet { access, refresh: Some(secret()), user: None });
    check(&Credential::Token(secret()));
    check(&Credential::Password(secret()));
    let how = || "it ended with status 1".to_owned();
    check(&SecretError::Command { verb: "read", how: how(), complaint: secret() });
    check(&AuthError::CommandFailed { how: how(), complaint: secret() });
    let places = SecretPlaces::in_memory();
    let store = places.open(SecretsKind::Memory).await.unwrap();
    let key = SecretKey { account: "work".parse().unwrap(), kind: SecretKind::Password };
    store.put(&key, &secret()).await.unwrap();
    check(&places);
}
