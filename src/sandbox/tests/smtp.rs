//! The submission server answers as the server that is played, and mail arrives.

use crate::model::flags::Flag;
use crate::sandbox::Sandbox;
use crate::sandbox::control::{Counter, SmtpFault, SmtpStage};
use crate::sandbox::headers::value;
use crate::sandbox::options::{Personality, Replies, SandboxOptions};
use crate::sandbox::tests::client::{
    Client, begin_tls, options, sasl, sign_in, signed_in_smtp, start,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const MAIL: &str = "From: Ada <ada@example.org>\r\nTo: alan@example.org\r\nSubject: One\r\n\
                    Message-ID: <one@example.org>\r\n\r\n..dot\r\n.";

async fn submit(client: &mut Client, recipients: &[&str]) -> String {
    client.smtp_command("MAIL FROM:<ada@example.org>").await;
    for recipient in recipients {
        client.smtp_command(&format!("RCPT TO:<{recipient}>")).await;
    }
    let ready = client.smtp_command("DATA").await;
    if !ready.starts_with("354") {
        return ready;
    }
    client.smtp_command(MAIL).await
}

fn subjects(sandbox: &Sandbox, address: &str, folder: &str) -> Vec<String> {
    let held = sandbox.control().messages(address, folder).unwrap();
    held.iter().filter_map(|held| value(&held.bytes, "Subject")).collect()
}

#[tokio::test]
async fn tls_comes_before_everything_else() {
    let sandbox = start(options(Personality::Exchange)).await;
    let port = sandbox.settings().submission.at.port;
    let mut clear = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()).lines();
    let greeting = clear.next_line().await.unwrap().unwrap();
    assert_eq!(greeting, "220 localhost Microsoft ESMTP MAIL Service ready");
    let mut offered = Vec::new();
    clear
        .get_mut()
        .write_all(b"EHLO client\r\nAUTH XOAUTH2 x\r\nMAIL FROM:<a@b.test>\r\n")
        .await
        .unwrap();
    while offered.len() < 10 {
        offered.push(clear.next_line().await.unwrap().unwrap());
    }
    let offered = offered.join("\n");
    assert!(offered.contains("250 STARTTLS") && !offered.contains("250-AUTH"), "{offered}");
    assert!(offered.contains("530 5.7.0 Must issue a STARTTLS command first"), "{offered}");
    // Whatever is sent ahead of TLS is never taken for protected: the connection ends.
    clear.get_mut().write_all(b"STARTTLS\r\nEHLO smuggled\r\n").await.unwrap();
    assert!(clear.next_line().await.unwrap().unwrap().starts_with("220 "));
    let begun = begin_tls(&sandbox, clear.into_inner().into_inner()).await;
    assert!(begun.is_err(), "TLS began after smuggled commands");
    sandbox.stop().await;
}

#[tokio::test]
async fn sign_ins_are_judged() {
    let sandbox = start(options(Personality::Exchange)).await;
    let mut client = Client::smtp(&sandbox).await;
    let offered = client.smtp_command("EHLO client").await;
    assert!(offered.contains("250-AUTH LOGIN XOAUTH2\n") && !offered.contains("STARTTLS"));
    let mail = client.smtp_command("MAIL FROM:<ada@example.org>").await;
    assert_eq!(mail, "530 5.7.57 Client not authenticated to send mail. [localhost]");
    let refused = client.smtp_command("AUTH XOAUTH2 dXNlcj0=").await;
    assert_eq!(refused, "535 5.7.3 Authentication unsuccessful [localhost]");
    let refused = client.smtp_command("AUTH PLAIN AGFkYQB4").await;
    assert!(refused.starts_with("504 "), "{refused}");

    let tokens = sign_in(&sandbox).await;
    assert_eq!(client.smtp_command("AUTH XOAUTH2").await, "334");
    let accepted = client.smtp_command(&sasl("ada@example.org", &tokens)).await;
    assert_eq!(accepted, "235 2.7.0 Authentication successful");

    let mut other = Client::smtp(&sandbox).await;
    other.smtp_command("EHLO client").await;
    let alan = sasl("alan@example.org", &tokens);
    assert!(other.smtp_command(&format!("AUTH XOAUTH2 {alan}")).await.starts_with("535 5.7.3"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_message_reaches_everybody_and_the_sent_folder() {
    let sandbox = start(options(Personality::Exchange)).await;
    let mut client = signed_in_smtp(&sandbox).await;
    let filed = subjects(&sandbox, "ada@example.org", "Sent Items").len();
    let reply =
        submit(&mut client, &["alan@example.org", "Grace@Example.org", "x@elsewhere.test"]).await;
    assert_eq!(reply, "250 2.0.0 OK <one@example.org> [Hostname=localhost]");

    let control = sandbox.control();
    for address in ["alan@example.org", "grace@example.org"] {
        assert_eq!(subjects(&sandbox, address, "INBOX"), ["One"], "{address}");
    }
    let sent = control.messages("ada@example.org", "Sent Items").unwrap();
    assert_eq!(sent.len(), filed + 1);
    let copy = sent.last().unwrap();
    assert!(copy.flags.contains(Flag::Seen) && copy.bytes.ends_with(b"\r\n.dot\r\n"));
    let [submitted] = control.submissions().try_into().unwrap();
    assert_eq!(submitted.recipients.len(), 3);
    assert_eq!(control.count(Counter::MessagesAccepted), 1);
    assert!(client.smtp_command("QUIT").await.starts_with("221 "));
    sandbox.stop().await;
}

#[tokio::test]
async fn what_cannot_be_delivered_or_sent_is_refused() {
    let sandbox = start(options(Personality::Exchange)).await;
    let mut client = signed_in_smtp(&sandbox).await;
    client.smtp_command("MAIL FROM:<ada@example.org>").await;
    let unknown = client.smtp_command("RCPT TO:<nobody@example.org>").await;
    assert!(unknown.starts_with("550 5.1.1 "), "{unknown}");
    assert!(client.smtp_command("DATA").await.starts_with("503 "));
    client.smtp_command("RSET").await;

    client.smtp_command("MAIL FROM:<alan@example.org>").await;
    client.smtp_command("RCPT TO:<grace@example.org>").await;
    client.smtp_command("DATA").await;
    let denied = client.smtp_command(MAIL).await;
    assert!(denied.starts_with("554 5.2.252 SendAsDenied"), "{denied}");

    client.smtp_command("MAIL FROM:<ada@example.org>").await;
    client.smtp_command("RCPT TO:<grace@example.org>").await;
    client.smtp_command("DATA").await;
    let bare = client.smtp_command("From: ada@example.org\r\n\r\nbare\nline\r\n.").await;
    assert!(bare.contains("BareLinefeedsAreIllegal"), "{bare}");
    assert!(sandbox.control().submissions().is_empty());
    sandbox.stop().await;
}

#[tokio::test]
async fn misfortune_strikes_once_at_the_stage_it_was_scripted_for() {
    let sandbox = start(options(Personality::Exchange)).await;
    let control = sandbox.control();
    let reply = |text: &str| SmtpFault::Reply(text.to_owned());
    control.script_smtp(SmtpStage::Recipient, reply("450 4.2.0 Later"));
    control.script_smtp(SmtpStage::Data, reply("451 4.7.0 Temporary server error. PRX4"));
    control.script_smtp(SmtpStage::FinalDot, reply("554 5.2.0 Submission quota exceeded"));
    let mut client = signed_in_smtp(&sandbox).await;
    client.smtp_command("MAIL FROM:<ada@example.org>").await;
    assert_eq!(client.smtp_command("RCPT TO:<alan@example.org>").await, "450 4.2.0 Later");
    client.smtp_command("RSET").await;
    let busy = submit(&mut client, &["alan@example.org"]).await;
    assert_eq!(busy, "451 4.7.0 Temporary server error. PRX4");
    client.smtp_command("RSET").await;
    let quota = submit(&mut client, &["alan@example.org"]).await;
    assert_eq!(quota, "554 5.2.0 Submission quota exceeded");
    assert!(control.submissions().is_empty());
    assert!(submit(&mut client, &["alan@example.org"]).await.starts_with("250 "));

    control.script_smtp(SmtpStage::FinalDot, SmtpFault::Cut);
    assert_eq!(submit(&mut client, &["alan@example.org"]).await, "");
    assert_eq!(control.submissions().len(), 1, "cut before it was taken");
    let mut client = signed_in_smtp(&sandbox).await;
    control.script_smtp(SmtpStage::FinalDot, SmtpFault::CutAfterwards);
    assert_eq!(submit(&mut client, &["alan@example.org"]).await, "");
    assert_eq!(control.submissions().len(), 2, "cut after it was taken");
    sandbox.stop().await;
}

#[tokio::test]
async fn people_answer_what_they_get_once() {
    let options =
        SandboxOptions { replies: Replies::AfterSeconds(0), ..options(Personality::Dovecot) };
    let sandbox = start(options).await;
    let mut client = signed_in_smtp(&sandbox).await;
    submit(&mut client, &["ada@example.org", "x@elsewhere.test", "alan@example.org"]).await;
    let inbox = sandbox.control().messages("ada@example.org", "INBOX").unwrap();
    let answer = &inbox.last().unwrap().bytes;
    let found = |name| value(answer, name);
    assert_eq!(found("From").as_deref(), Some("Alan <alan@example.org>"));
    assert_eq!(found("Subject").as_deref(), Some("Re: One"));
    assert_eq!(found("In-Reply-To").as_deref(), Some("<one@example.org>"));
    assert_eq!(subjects(&sandbox, "alan@example.org", "INBOX"), ["One"]);
    assert!(
        !subjects(&sandbox, "ada@example.org", "Sent").contains(&"One".to_owned()),
        "Dovecot files no Sent copy"
    );
    sandbox.stop().await;
}
