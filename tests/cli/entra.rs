//! `entra`: answers that need neither an account nor a network.

use crate::world::{World, lines, text};

#[test]
fn an_error_is_explained_from_the_catalogue() {
    let world = World::new();
    #[track_caller]
    fn check(world: &World, words: &[&str], expected_code: &str) {
        let words = [&["entra", "explain", "--json"], words].concat();
        let output = world.run(&words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        let row = &lines(&output.stdout)[0];
        assert_eq!(row["code"], expected_code, "{row}");
        assert!(!row["message"].as_str().unwrap().is_empty() && row["known"] == true);
    }
    check(&world, &["AADSTS530035"], "AADSTS530035");
    check(&world, &["530035"], "AADSTS530035");
    let smtp =
        ["535", "5.7.139", "SmtpClientAuthentication", "is", "disabled", "for", "the", "Tenant."];
    let whole = [smtp.join(" ")];
    check(&world, &smtp, "submission-off-for-organisation");
    check(&world, &[&whole[0]], "submission-off-for-organisation");

    let human = text(&world.run(&["entra", "explain", "AADSTS530035"]).stdout);
    assert!(human.contains("AADSTS530035") && 3 <= human.lines().count(), "{human}");
    let piped = world.run_with(&["entra", "explain", "-"], b"AADSTS50011: redirect\n");
    assert_eq!(piped.status.code(), Some(0));
}

#[test]
fn an_unknown_error_says_so_and_where_to_look() {
    let world = World::new();
    let output = world.run(&["entra", "explain", "AADSTS123456"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("https://login.microsoftonline.com/error?code=123456"), "{said}");
    let output = world.run(&["entra", "explain", "--json", "nothing", "of", "the", "kind"]);
    assert_eq!(output.status.code(), Some(1));
    let row = &lines(&output.stdout)[0];
    assert_eq!((&row["known"], &row["lookup"]), (&false.into(), &"".into()));
}

#[test]
fn the_guide_and_the_approval_link_name_what_is_asked_for() {
    let world = World::new();
    let said = |words: &[&str]| {
        let output = world.run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        text(&output.stdout)
    };
    assert!(said(&["entra", "guide"]).contains("IMAP.AccessAsUser.All"));
    assert!(!said(&["entra", "guide"]).contains("Mail.Send"));
    assert!(said(&["entra", "guide", "--graph"]).contains("Mail.Send"));
    assert!(said(&["entra", "guide", "--az"]).contains("az ad app create"));
    assert!(said(&["entra", "guide", "--shared"]).contains("Add-MailboxPermission"));
    let link = ["entra", "consent-url", "--tenant", "example.org", "--client-id", "abc"];
    let url = said(&link);
    assert!(url.starts_with("https://login.microsoftonline.com/example.org/"), "{url}");
    assert!(url.contains("client_id=abc") && !url.contains("graph.microsoft.com"), "{url}");
    let url = said(&[link.as_slice(), &["--graph", "--cloud", "dod"]].concat());
    assert!(url.starts_with("https://login.microsoftonline.us/"), "{url}");
    assert!(url.contains("dod-graph.microsoft.us"), "{url}");
}
