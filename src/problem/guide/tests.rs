//! The texts as they are read, and that they fit the cloud and the account.

use crate::model::account::Resources;
use crate::problem::catalogue::{self, rows};
use crate::problem::guide::{
    AppKind, Audience, Consent, GuideForm, GuideOptions, ItSubject, consent_url, it_message,
    registration,
};
use crate::problem::{Problem, ProblemKind, Remedy};

const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

fn subject() -> ItSubject {
    ItSubject {
        user: "ada@example.org".to_owned(),
        tenant: "common".to_owned(),
        client_id: CLIENT.to_owned(),
        app_name: "Posthaste".to_owned(),
        resources: Resources::default(),
    }
}

fn us_government() -> Resources {
    Resources {
        outlook: "https://outlook.office365.us".to_owned(),
        graph: "https://graph.microsoft.us".to_owned(),
    }
}

#[test]
fn the_approval_link_asks_for_what_is_used() {
    #[track_caller]
    fn check(authority: &str, tenant: &str, graph: Consent, expected: &str) {
        let url = consent_url(authority, tenant, "a b&c", &Resources::default(), graph);
        assert_eq!(url, expected);
    }
    let mail = "scope=https%3A%2F%2Foutlook.office.com%2FIMAP.AccessAsUser.All%20\
                https%3A%2F%2Foutlook.office.com%2FSMTP.Send%20";
    let graph = "https%3A%2F%2Fgraph.microsoft.com%2FMail.Send%20\
                 https%3A%2F%2Fgraph.microsoft.com%2FMail.ReadWrite%20\
                 https%3A%2F%2Fgraph.microsoft.com%2FUser.Read%20";
    let end = "offline_access%20openid%20profile%20email&redirect_uri=http%3A%2F%2Flocalhost";
    let server = "https://login.microsoftonline.com";
    let query = format!("v2.0/adminconsent?client_id=a%20b%26c&{mail}");
    let everything = format!("{server}/organizations/{query}{graph}{end}");
    check(server, "common", Consent::MailAndGraph, &everything);
    check(server, "consumers", Consent::MailAndGraph, &everything);
    check(server, "", Consent::MailAndGraph, &everything);
    check(server, "example.org", Consent::Mail, &format!("{server}/example.org/{query}{end}"));
    // The tenant cannot leave its place.
    check(server, "a/b?c", Consent::Mail, &format!("{server}/a%2Fb%3Fc/{query}{end}"));
    check("nowhere", "example.org", Consent::Mail, &format!("nowhere/example.org/{query}{end}"));
}

#[test]
fn a_blocked_sign_in_is_told_to_the_it_department() {
    let row = catalogue::for_aadsts(530_035).unwrap();
    let details = "access_denied: AADSTS530035: Access has been blocked by security defaults. \
                   Trace ID: 7c9e6679-7425-40de-944b-e07fc1f90ae7 Correlation ID: \
                   0f8fad5b-d9cb-469f-a165-70867728950e Timestamp: 2026-01-31 12:00:00Z";
    let problem = Problem { code: "AADSTS530035".to_owned(), ..row.problem(details) };
    insta::assert_snapshot!("it_blocked", it_message(&problem, &subject()));
}

#[test]
fn smtp_that_is_off_is_told_with_the_command_that_helps() {
    let answer = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled \
                  for the Tenant. [AM0PR01CA0001.EURPRD01.PROD.OUTLOOK.COM \
                  2026-01-31T12:00:00.123Z 08DE6]";
    let problem = catalogue::for_server_text(answer).unwrap().problem(answer);
    let subject =
        ItSubject { tenant: "example.org".to_owned(), app_name: String::new(), ..subject() };
    insta::assert_snapshot!("it_smtp_off", it_message(&problem, &subject));
}

#[test]
fn every_row_makes_a_message_with_the_account_in_its_places() {
    for row in rows() {
        let text = it_message(&row.problem(""), &subject());
        for place in [catalogue::USER, catalogue::CLIENT_ID, catalogue::APP] {
            assert!(!text.contains(place), "{}: {place} is left in:\n{text}", row.code);
        }
        assert!(text.contains(row.code) && text.contains("ada@example.org"), "{text}");
        let long = text.lines().filter(|line| !line.starts_with(' ') && !line.contains("://"));
        for line in long {
            assert!(line.chars().count() <= 76, "{}: {line}", row.code);
        }
    }
}

#[test]
fn a_problem_of_no_row_still_makes_a_message() {
    let problem =
        Problem::new(ProblemKind::Failed, "AADSTS99999", "It failed", "", Remedy::AskAdministrator);
    let text = it_message(&problem, &subject());
    assert!(text.contains("It failed.") && text.contains("Code: AADSTS99999"), "{text}");
    assert!(!text.contains("What is needed"), "{text}");
    assert!(text.contains("/organizations/v2.0/adminconsent"), "{text}");
}

#[test]
fn the_message_fits_the_cloud_and_personal_accounts_have_no_approval() {
    let row = catalogue::for_aadsts(90_094).unwrap();
    let government = ItSubject { resources: us_government(), ..subject() };
    let text = it_message(&row.problem(""), &government);
    assert!(text.contains("https://login.microsoftonline.us/organizations/"), "{text}");
    assert!(text.contains("graph.microsoft.us%2FMail.Send"), "{text}");
    let personal = ItSubject { tenant: "consumers".to_owned(), ..subject() };
    assert!(!it_message(&row.problem(""), &personal).contains("adminconsent"));
}

#[test]
fn the_registration_of_a_program_step_by_step() {
    let options = GuideOptions::default();
    insta::assert_snapshot!("portal_public", registration(&options, GuideForm::Portal));
    insta::assert_snapshot!("az_public", registration(&options, GuideForm::Az));
}

#[test]
fn the_registration_of_a_service_step_by_step() {
    let options = GuideOptions {
        kind: AppKind::Service,
        audience: Audience::OneOrganisation,
        ..GuideOptions::default()
    };
    insta::assert_snapshot!("portal_service", registration(&options, GuideForm::Portal));
    insta::assert_snapshot!("az_service", registration(&options, GuideForm::Az));
}

#[test]
fn the_registration_follows_the_options() {
    #[track_caller]
    fn check(options: &GuideOptions, form: GuideForm, has: &[&str], has_not: &[&str]) {
        let text = registration(options, form);
        for part in has {
            assert!(text.contains(part), "{part:?} is missing:\n{text}");
        }
        for part in has_not {
            assert!(!text.contains(part), "{part:?} stands in:\n{text}");
        }
    }
    let plain = GuideOptions::default();
    let secret = GuideOptions { kind: AppKind::Confidential, ..plain.clone() };
    check(&secret, GuideForm::Portal, &["Web: http://localhost", "Value"], &["public client"]);
    check(&secret, GuideForm::Az, &["--web-redirect-uris", "credential reset"], &["--is-fallback"]);
    let mail = GuideOptions { consent: Consent::Mail, ..plain.clone() };
    check(&mail, GuideForm::Portal, &["SMTP.Send"], &["Mail.Send"]);
    check(&mail, GuideForm::Az, &["258f6531"], &["e383f46e"]);
    let personal = GuideOptions { audience: Audience::Personal, ..plain.clone() };
    check(&personal, GuideForm::Portal, &["consumers"], &["Grant admin consent"]);
    check(&personal, GuideForm::Az, &["PersonalMicrosoftAccount"], &["admin-consent"]);
    let china = GuideOptions {
        authority: "https://login.partner.microsoftonline.cn".to_owned(),
        ..plain.clone()
    };
    check(&china, GuideForm::Portal, &["portal.azure.cn"], &["entra.microsoft.com"]);
    check(&china, GuideForm::Az, &["az cloud set --name AzureChinaCloud"], &[]);
    let named = GuideOptions { app_name: "Ada's $(mail)".to_owned(), ..plain };
    check(&named, GuideForm::Az, &[r"--display-name 'Ada'\''s $(mail)' "], &[]);
}
