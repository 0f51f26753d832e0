//! Runs by keys: ways in, answers, and going on after a failed check.

use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::link_run::Stage;
use crate::app::msg::Msg;
use crate::app::tests::{Desk, account, problem, with_settings};
use crate::app::wizard::method::Row;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{
    CheckName, CheckOutcome, ClientSecretChange, LinkAnswer, LinkRequest, LinkStep, Saving,
    SignInInput,
};
use crate::engine_api::status::Connection;
use crate::model::account::{AccountSettings, SignInMethod, SubmissionRoute};
use crate::model::ids::{AccountId, CommandId, MessageId, OutboxId};
use crate::model::outgoing::OutboxState;
use crate::problem::{ProblemKind, Remedy};
use secrecy::ExposeSecret;

fn requested(desk: &Desk) -> &LinkRequest {
    match desk.commands.last() {
        Some(EngineCommand::Link { request, .. }) => request,
        other => panic!("nothing is linked but {other:?}"),
    }
}

fn cancelled(desk: &Desk, id: CommandId) -> bool {
    desk.commands
        .iter()
        .any(|command| matches!(command, EngineCommand::Cancel { id: stopped } if *stopped == id))
}

fn stage(desk: &Desk) -> Option<Stage> {
    desk.app.top_run().map(|run| run.stage)
}

fn copied(desk: &Desk) -> Vec<String> {
    let copied = desk.other.iter().filter_map(|effect| match effect {
        Effect::Copy(text) => Some(text.clone()),
        _other => None,
    });
    copied.collect()
}

#[test]
fn one_key_leads_from_the_code_to_the_browser_and_back() {
    let mut desk = Desk::empty();
    desk.status(Vec::new());
    let code = desk.at_the_code();
    desk.press("b");
    assert!(cancelled(&desk, code));
    assert!(matches!(requested(&desk).sign_in, SignInInput::Browser { port: 0 }));
    assert_eq!(requested(&desk).settings.method, SignInMethod::Browser);
    let (mut desk, page) = Desk::at_the_page();
    assert_eq!(stage(&desk), Some(Stage::Page));
    desk.press("u s");
    let copied = copied(&desk);
    assert!(copied[0].starts_with("https://login.microsoftonline.com/"), "{copied:?}");
    assert!(copied[1].starts_with("ssh -L 43211:"), "{copied:?}");
    desk.press("c");
    assert!(cancelled(&desk, page));
    assert!(matches!(requested(&desk).sign_in, SignInInput::DeviceCode));
}

#[test]
fn where_the_browser_ended_is_pasted_or_typed() {
    let (mut desk, page) = Desk::at_the_page();
    let answers = |desk: &Desk| -> Vec<(CommandId, String)> {
        let answers = desk.commands.iter().filter_map(|command| match command {
            EngineCommand::AnswerLink { id, answer: LinkAnswer::Pasted(pasted) } => {
                Some((*id, pasted.expose_secret().to_owned()))
            }
            _other => None,
        });
        answers.collect()
    };
    desk.feed(Msg::Paste("http://localhost:43211/?code=0.AX\nbc&state=8x\n".to_owned()));
    assert!(answers(&desk).is_empty());
    desk.press("Enter");
    assert_eq!(answers(&desk), [(page, "http://localhost:43211/?code=0.AXbc&state=8x".to_owned())]);
    // A wrong one is said, and the field is free again. Letters in it are no keys.
    let reason = "that address is of another sign-in".to_owned();
    desk.event(EngineEvent::LinkProgress { id: page, step: LinkStep::PollTrouble { reason } });
    assert_eq!(stage(&desk), Some(Stage::Page));
    desk.press("p");
    desk.type_text("cus");
    desk.press("Esc");
    assert_eq!(stage(&desk), Some(Stage::Page));
    desk.press("p Enter");
    assert_eq!(answers(&desk).last().map(|(_id, text)| text.as_str()), Some("cus"));
    assert!(!cancelled(&desk, page));
    desk.press("Esc");
    assert!(cancelled(&desk, page));
}

#[test]
fn enter_takes_the_way_on_that_a_refusal_names() {
    let refused = |remedy| {
        let mut desk = Desk::empty();
        desk.status(Vec::new());
        let id = desk.at_the_code();
        desk.event(EngineEvent::CommandFailed { id, problem: problem("AADSTS530035", remedy) });
        desk.press("Enter");
        desk
    };
    let desk = refused(Remedy::UseBrowser);
    assert!(matches!(requested(&desk).sign_in, SignInInput::Browser { port: 0 }));
    let desk = refused(Remedy::UseGraph);
    assert_eq!(requested(&desk).settings.route, SubmissionRoute::Graph);
    assert!(matches!(requested(&desk).sign_in, SignInInput::DeviceCode));
    let desk = refused(Remedy::EnterClientSecret);
    let Some(Layer::Wizard(wizard)) = desk.app.layers.last() else { panic!("no wizard") };
    let focused = wizard.method.as_ref().and_then(|method| method.form.focused());
    assert_eq!(focused, Some(Row::ClientSecret));
    let desk = refused(Remedy::AskAdministrator);
    assert_eq!(stage(&desk), Some(Stage::Failed));
}

/// A wizard whose sign-in went through and whose submission was refused.
fn refused_at_the_checks() -> (Desk, CommandId) {
    let mut desk = Desk::empty();
    desk.status(Vec::new());
    let id = desk.at_the_code();
    assert_eq!(requested(&desk).saving, Saving::AfterAsking);
    let failure = Box::new(problem("smtp-auth-disabled", Remedy::UseGraph));
    let outcome = CheckOutcome::Failed(failure.clone());
    let step = LinkStep::Check { name: CheckName::Submission, outcome };
    desk.event(EngineEvent::LinkProgress { id, step });
    desk.event(EngineEvent::LinkProgress { id, step: LinkStep::Refused { problem: failure } });
    assert_eq!(stage(&desk), Some(Stage::Failed));
    (desk, id)
}

/// The last command, if it lets the sign-in `of` go on.
fn went_on(desk: &Desk, of: CommandId) -> Option<&AccountSettings> {
    match desk.commands.last() {
        Some(EngineCommand::AnswerLink { id, answer: LinkAnswer::CheckAgain(settings) })
            if *id == of =>
        {
            Some(settings)
        }
        _other => None,
    }
}

#[test]
fn an_account_is_saved_all_the_same_only_when_a_check_failed_and_after_a_question() {
    let mut desk = Desk::empty();
    desk.status(Vec::new());
    let id = desk.at_the_code();
    let failure = problem("AADSTS90002", Remedy::EditSettings);
    desk.event(EngineEvent::CommandFailed { id, problem: failure });
    desk.press("S");
    assert!(!matches!(desk.app.layers.last(), Some(Layer::Question(_))));

    let (mut desk, attempt) = refused_at_the_checks();
    let asked = desk.commands.len();
    desk.press("S n");
    assert_eq!(desk.commands.len(), asked);
    desk.press("S y");
    assert!(matches!(
        desk.commands.last(),
        Some(EngineCommand::AnswerLink { id, answer: LinkAnswer::SaveAnyway }) if *id == attempt
    ));
    desk.status(vec![account(1, "outlook")]);
    desk.event(EngineEvent::Linked { id: attempt, account: AccountId(1) });
    assert_eq!(stage(&desk), Some(Stage::Done));
}

#[test]
fn after_a_failed_check_nobody_signs_in_twice() {
    // By Enter, through Graph.
    let (mut desk, attempt) = refused_at_the_checks();
    desk.press("Enter");
    assert_eq!(went_on(&desk, attempt).map(|s| s.route), Some(SubmissionRoute::Graph));
    assert_eq!(stage(&desk), Some(Stage::Checks));
    // As it is, once more.
    let (mut desk, attempt) = refused_at_the_checks();
    desk.press("r");
    assert_eq!(went_on(&desk, attempt).map(|s| s.route), Some(SubmissionRoute::Auto));
    // With a server corrected, whichever way leads back to it.
    for back in ["e", "Esc Esc"] {
        let (mut desk, attempt) = refused_at_the_checks();
        desk.press(back);
        let Some(Layer::Wizard(wizard)) = desk.app.layers.last_mut() else { panic!("no wizard") };
        let form = &mut wizard.method.as_mut().unwrap().form;
        form.set_text(Row::Submission, "smtp.example.org:465");
        desk.press("Enter Enter");
        let corrected = went_on(&desk, attempt).map(|s| s.submission.at.to_string());
        assert_eq!(corrected.as_deref(), Some("smtp.example.org:465"), "{back}");
        assert!(!cancelled(&desk, attempt));
        // Refused once more, it still waits.
        let problem = Box::new(problem("smtp", Remedy::CheckNetwork));
        desk.event(EngineEvent::LinkProgress { id: attempt, step: LinkStep::Refused { problem } });
        desk.press("Enter");
        assert!(went_on(&desk, attempt).is_some());
    }
}

#[test]
fn another_sign_in_gives_the_kept_one_up() {
    // Another app.
    let (mut desk, attempt) = refused_at_the_checks();
    desk.press("e");
    let Some(Layer::Wizard(wizard)) = desk.app.layers.last_mut() else { panic!("no wizard") };
    wizard.method.as_mut().unwrap().form.set_text(Row::Tenant, "example.org");
    desk.press("Enter Enter");
    assert!(cancelled(&desk, attempt));
    assert_eq!(requested(&desk).settings.oauth.tenant, "example.org");
    // Leaving the wizard.
    let (mut desk, attempt) = refused_at_the_checks();
    desk.press("Esc Esc Esc");
    assert!(!cancelled(&desk, attempt));
    desk.press("Esc");
    assert!(cancelled(&desk, attempt) && desk.app.layers.is_empty());
    // The engine gave it up: nothing is asked of it any more.
    let (mut desk, attempt) = refused_at_the_checks();
    desk.press("e");
    let problem = problem("sign-in-forgotten", Remedy::StartOver);
    desk.event(EngineEvent::CommandFailed { id: attempt, problem });
    desk.press("Enter Enter");
    assert!(matches!(requested(&desk).sign_in, SignInInput::DeviceCode));
}

#[test]
fn graph_is_one_key_away_for_a_linked_account_too() {
    fn rerouted(desk: &Desk) -> bool {
        desk.commands.iter().any(|command| {
            let EngineCommand::ChangeAccount { account, change, .. } = command else {
                return false;
            };
            (*account, change.route) == (AccountId(1), Some(SubmissionRoute::Graph))
        })
    }
    // After a test on the board; the checks run again by themselves.
    let mut desk = Desk::linked();
    desk.press("@ t");
    let id = desk.last_id();
    let outcome = CheckOutcome::Failed(Box::new(problem("535 5.7.139", Remedy::UseGraph)));
    let step = LinkStep::Check { name: CheckName::Submission, outcome };
    desk.event(EngineEvent::LinkProgress { id, step });
    desk.event(EngineEvent::CommandDone { id });
    desk.press("Enter");
    assert!(rerouted(&desk));
    assert!(matches!(desk.commands.last(), Some(EngineCommand::TestAccount { .. })));
    // Where a message was refused; it is sent again.
    let mut desk = Desk::linked();
    desk.event(EngineEvent::OutboxChanged {
        entry: OutboxId(4),
        account: AccountId(1),
        state: OutboxState::Refused,
        problem: Some(problem("535 5.7.139", Remedy::UseGraph)),
    });
    desk.press("g");
    assert!(rerouted(&desk));
    let again = |command: &EngineCommand| {
        matches!(command, EngineCommand::RetryOutbox { entry: OutboxId(4), .. })
    };
    assert!(desk.commands.iter().any(again));
    // By choice, on the board.
    let mut desk = Desk::linked();
    desk.press("@ v Down Down Enter");
    assert!(rerouted(&desk));
}

#[test]
fn what_an_account_signs_in_with_is_asked_for_when_it_signs_in_again() {
    let asked = |desk: &Desk| match desk.commands.last() {
        Some(EngineCommand::SignInAgain { renewal, .. }) => renewal.clone(),
        other => panic!("nobody signs in but {other:?}"),
    };
    let board = |method| {
        let mut desk = Desk::linked();
        let mut status = with_settings(account(1, "work"));
        status.facts.method = Some(method);
        desk.status(vec![status]);
        desk.press("@ s");
        desk
    };
    let mut desk = board(SignInMethod::Password);
    desk.type_text("new password");
    desk.press("Enter");
    let Some(SignInInput::Password(password)) = asked(&desk).sign_in else { panic!("none") };
    assert_eq!(password.expose_secret(), "new password");
    // Nothing typed: what is stored is tried once more.
    let mut desk = board(SignInMethod::RefreshToken);
    desk.press("Enter");
    assert!(asked(&desk).sign_in.is_none());
    // A secret of the app that ran out.
    let mut desk = board(SignInMethod::ClientCredentials);
    desk.type_text("newer~secret");
    desk.press("Enter");
    let renewal = asked(&desk);
    let ClientSecretChange::Replace(secret) = &renewal.client_secret else { panic!("none") };
    assert_eq!(secret.expose_secret(), "newer~secret");
    assert!(matches!(renewal.sign_in, Some(SignInInput::ClientCredentials)));
    // A registration that has become public takes none.
    let mut other = board(SignInMethod::RefreshToken);
    other.press("Tab Tab Right Enter");
    assert!(matches!(asked(&other).client_secret, ClientSecretChange::Remove));
    // The refusal leads to the field.
    let id = desk.last_id();
    let refused = problem("AADSTS7000222", Remedy::EnterClientSecret);
    desk.event(EngineEvent::CommandFailed { id, problem: refused });
    desk.press("Enter");
    assert!(matches!(desk.app.layers.last(), Some(Layer::AccountForm(_))));
}

#[test]
fn a_message_for_the_it_department_is_copied_where_one_helps() {
    let mut desk = Desk::empty();
    desk.status(Vec::new());
    let id = desk.at_the_code();
    let problem = problem("AADSTS530035", Remedy::UseBrowser);
    desk.event(EngineEvent::CommandFailed { id, problem });
    desk.press("y");
    let copied = copied(&desk);
    assert!(copied[0].contains("ada@outlook.com"), "{copied:?}");
    assert!(copied[0].contains("0a0b0c0d-1111-2222-3333-444455556666"), "{copied:?}");
}

#[test]
fn another_way_in_is_chosen_on_the_board_and_for_a_refused_one() {
    let mut desk = Desk::linked();
    desk.status(vec![with_settings(account(1, "work"))]);
    desk.press("@ m Down Enter");
    let asked = |desk: &Desk| match desk.commands.last() {
        Some(EngineCommand::SignInAgain { renewal, .. }) => format!("{:?}", renewal.sign_in),
        other => format!("{other:?}"),
    };
    assert_eq!(asked(&desk), "Some(Browser { port: 0 })");
    let id = desk.last_id();
    let problem = problem("AADSTS53003", Remedy::AskAdministrator);
    desk.event(EngineEvent::CommandFailed { id, problem });
    desk.press("m Down Down Down Tab");
    desk.type_text("pass mail-token");
    desk.press("Enter");
    assert_eq!(asked(&desk), "Some(TokenCommand)");
    let Some(EngineCommand::SignInAgain { renewal, .. }) = desk.commands.last() else { panic!() };
    assert_eq!(renewal.token_command, ["pass", "mail-token"]);
}

#[test]
fn what_a_dead_sign_in_stopped_goes_on_after_it() {
    let mut desk = Desk::linked();
    desk.behaviour = crate::app::tests::Behaviour::Silent;
    desk.press("f");
    let mut dead = account(1, "work");
    let mut why = problem("sign-in-needed", Remedy::SignInAgain(AccountId(1)));
    why.kind = ProblemKind::SignInNeeded;
    desk.event(EngineEvent::CommandFailed { id: desk.last_id(), problem: why.clone() });
    dead.connection = Connection::SignInNeeded { problem: why };
    desk.status(vec![dead]);
    desk.press("Esc Ctrl-g");
    let id = desk.last_id();
    assert!(matches!(desk.commands.last(), Some(EngineCommand::SignInAgain { .. })));
    desk.behaviour = crate::app::tests::Behaviour::Answers;
    desk.event(EngineEvent::Linked { id, account: AccountId(1) });
    assert!(matches!(
        desk.commands.last(),
        Some(EngineCommand::LoadMessage { message: MessageId(12), .. })
    ));
    assert!(desk.app.composer_mut().is_some());
}
