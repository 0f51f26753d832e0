//! The sandbox's Graph, asked by the program's own client: audience, delivery, misfortune.

use crate::model::outgoing::FrozenMessage;
use crate::sandbox::Sandbox;
use crate::sandbox::certificates::trusting;
use crate::sandbox::control::{Counter, GraphFault, GraphStage, SmtpAuth};
use crate::sandbox::headers::value;
use crate::sandbox::options::Personality;
use crate::sandbox::service::{Power, ServiceName};
use crate::sandbox::tests::client::{Client, SCOPES, options, poll, post, sasl, sign_in, start};
use crate::transport::SubmissionJournal;
use crate::transport::error::{Transience, TransportError};
use crate::transport::graph::{GraphRequest, connect, probe};
use async_trait::async_trait;

struct Journal;

#[async_trait]
impl SubmissionJournal for Journal {
    async fn before_final_dot(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

/// A token for `scopes`, each put below the root of Graph.
async fn request(sandbox: &Sandbox, scopes: &[&str]) -> GraphRequest {
    let settings = sandbox.settings();
    let root = settings.resources.graph;
    let named: Vec<String> = scopes.iter().map(|scope| format!("{root}/{scope}")).collect();
    token_for(sandbox, &named.join(" ")).await
}

async fn token_for(sandbox: &Sandbox, scope: &str) -> GraphRequest {
    let settings = sandbox.settings();
    let form = [("client_id", settings.oauth.client_id.as_str()), ("scope", scope)];
    let (status, code) = post(sandbox, "devicecode", &form).await;
    assert_eq!(status, 200, "{code}");
    let (status, tokens) = poll(sandbox, code["device_code"].as_str().unwrap()).await;
    assert_eq!(status, 200, "{tokens}");
    GraphRequest {
        root: settings.resources.graph,
        tls: trusting(sandbox.root()).unwrap(),
        token: tokens["access_token"].as_str().unwrap().to_owned().into(),
        mailbox: None,
    }
}

fn message(from: &str, filling_bytes: usize) -> FrozenMessage {
    let file = match filling_bytes {
        0 => String::new(),
        size => format!(
            "--b\r\nContent-Type: application/pdf\r\n\
             Content-Disposition: attachment; filename=\"a.pdf\"\r\n\r\n{}\r\n",
            "x".repeat(size)
        ),
    };
    let text = format!(
        "From: {from}\r\nTo: Alan <alan@example.org>\r\nSubject: One\r\n\
         Message-ID: <one@example.org>\r\nIn-Reply-To: <zero@example.org>\r\n\
         Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n\r\nhi\r\n{file}--b--\r\n"
    );
    FrozenMessage {
        message_id: "one@example.org".to_owned(),
        sender: from.parse().unwrap(),
        recipients: ["alan@example.org", "grace@example.org"].map(|a| a.parse().unwrap()).to_vec(),
        bytes: text.into_bytes(),
    }
}

async fn send(request: &GraphRequest, message: &FrozenMessage) -> String {
    let sent = async {
        let mut submission = connect(request).await?;
        let sent = submission.submit(message, &mut Journal).await;
        submission.close().await;
        sent
    };
    match sent.await {
        Ok(()) => "ok".to_owned(),
        Err(TransportError::AuthRefused { text, .. }) => format!("auth: {}", short(&text)),
        Err(TransportError::Refused { text, transient: Transience::Transient }) => {
            format!("later: {}", short(&text))
        }
        Err(TransportError::Refused { text, transient: Transience::Permanent }) => {
            format!("no: {}", short(&text))
        }
        Err(TransportError::InDoubt) => "in doubt".to_owned(),
        Err(TransportError::Closed(_)) => "closed".to_owned(),
        Err(TransportError::Unreachable { .. }) => "unreachable".to_owned(),
        Err(other) => panic!("{other:?}"),
    }
}

/// Status and code.
fn short(text: &str) -> &str {
    text.split_once(':').map_or(text, |(start, _words)| start)
}

#[tokio::test]
async fn a_message_arrives_without_its_hidden_recipients_and_is_filed_once() {
    for (personality, sent_folder) in
        [(Personality::Exchange, "Sent Items"), (Personality::Dovecot, "Sent")]
    {
        let sandbox = start(options(personality)).await;
        let control = sandbox.control();
        let before = control.messages("ada@example.org", sent_folder).unwrap().len();
        let request = request(&sandbox, &["Mail.Send", "User.Read"]).await;
        assert_eq!(probe(&request).await.unwrap(), "ada@example.org");
        let message = message("ada@example.org", 0);
        assert_eq!(send(&request, &message).await, "ok");
        for address in ["alan@example.org", "grace@example.org"] {
            let inbox = control.messages(address, "INBOX").unwrap();
            let arrived = &inbox.last().unwrap().bytes;
            assert!(arrived.ends_with(&message.bytes), "{address}");
            assert_eq!(value(arrived, "Bcc"), None, "{address}");
        }
        let sent = control.messages("ada@example.org", sent_folder).unwrap();
        assert_eq!(sent.len(), before + 1);
        let copy = value(&sent.last().unwrap().bytes, "Bcc");
        assert_eq!(copy.as_deref(), Some("grace@example.org"));
        assert_eq!(control.submissions().len(), 1);
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn a_large_message_arrives_whole_through_a_draft() {
    let sandbox = start(options(Personality::Exchange)).await;
    let control = sandbox.control();
    let large = message("ada@example.org", 7_000_000);
    let to_send = request(&sandbox, &["Mail.Send"]).await;
    assert_eq!(send(&to_send, &large).await, "no: 403 ErrorAccessDenied");
    let to_write = request(&sandbox, &["Mail.Send", "Mail.ReadWrite"]).await;
    assert_eq!(send(&to_write, &large).await, "ok");
    let inbox = control.messages("alan@example.org", "INBOX").unwrap();
    let arrived = &inbox.last().unwrap().bytes;
    assert_eq!(value(arrived, "In-Reply-To").as_deref(), Some("<zero@example.org>"));
    let shown = crate::mime::parse::readable(arrived);
    assert_eq!(shown.text.trim_end(), "hi");
    let file = crate::mime::parse::attachment(arrived, shown.attachments[0].index).unwrap();
    assert_eq!((shown.attachments[0].file_name.as_str(), file.len()), ("a.pdf", 7_000_000));

    // A draft that could not be sent does not stay.
    let refused =
        GraphFault::Answer { status: 413, code: "ErrorMessageSizeExceeded", retry_after_s: None };
    control.script_graph(GraphStage::Send, refused);
    assert_eq!(send(&to_write, &large).await, "no: 413 ErrorMessageSizeExceeded");
    assert_eq!(control.graph_drafts(), 0);
    assert_eq!(control.submissions().len(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_token_for_something_else_is_refused() {
    let sandbox = start(options(Personality::Exchange)).await;
    let small = message("ada@example.org", 0);
    let other_audience = token_for(&sandbox, SCOPES).await;
    assert_eq!(send(&other_audience, &small).await, "auth: 401 InvalidAuthenticationToken");
    let to_read = request(&sandbox, &["User.Read"]).await;
    assert_eq!(send(&to_read, &small).await, "no: 403 ErrorAccessDenied");
    let to_send = request(&sandbox, &["Mail.Send"]).await;
    sandbox.control().expire_access_tokens();
    assert_eq!(send(&to_send, &small).await, "auth: 401 InvalidAuthenticationToken");
    assert_eq!(sandbox.control().submissions(), []);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_shared_mailbox_sends_for_its_delegates_only() {
    let sandbox = start(options(Personality::Exchange)).await;
    let control = sandbox.control();
    let mut request = request(&sandbox, &["Mail.Send"]).await;
    let shared = message("barbara@example.org", 0);
    assert_eq!(send(&request, &shared).await, "no: 403 ErrorSendAsDenied");
    request.mailbox = Some("barbara@example.org".parse().unwrap());
    assert_eq!(send(&request, &shared).await, "no: 403 ErrorAccessDenied");
    control.share("barbara@example.org", "ada@example.org").unwrap();
    assert_eq!(send(&request, &shared).await, "ok");
    assert_eq!(control.messages("barbara@example.org", "Sent Items").unwrap().len(), 1);
    request.mailbox = Some("nobody@example.org".parse().unwrap());
    assert_eq!(send(&request, &shared).await, "no: 404 ErrorInvalidUser");
    assert!(control.share("nobody@example.org", "ada@example.org").is_err());

    // The same over IMAP and SMTP: the shared address on one, the delegate on the other.
    let tokens = sign_in(&sandbox).await;
    let mut imap = Client::imap(&sandbox).await;
    imap.line().await;
    let command = format!("AUTHENTICATE XOAUTH2 {}", sasl("barbara@example.org", &tokens));
    assert!(imap.imap_command(&command).await.last().unwrap().starts_with("t OK "));
    let answer = imap.imap_command("SELECT \"Sent Items\"").await;
    assert!(answer.contains(&"* 1 EXISTS".to_owned()), "{answer:?}");
    let mut smtp = Client::smtp(&sandbox).await;
    smtp.smtp_command("EHLO client").await;
    smtp.smtp_command(&format!("AUTH XOAUTH2 {}", sasl("ada@example.org", &tokens))).await;
    for command in ["MAIL FROM:<barbara@example.org>", "RCPT TO:<alan@example.org>"] {
        assert!(smtp.smtp_command(command).await.starts_with("250 "), "{command}");
    }
    smtp.smtp_command("DATA").await;
    let answer = smtp.smtp_command("From: barbara@example.org\r\n\r\nhi\r\n.").await;
    assert!(answer.starts_with("250 "), "{answer}");
    sandbox.stop().await;
}

#[tokio::test]
async fn misfortune_comes_as_scripted_and_once() {
    let sandbox = start(options(Personality::Exchange)).await;
    let control = sandbox.control();
    let request = request(&sandbox, &["Mail.Send"]).await;
    let check = async |fault: GraphFault, expected: &str, accepted: usize| {
        let before = control.submissions().len();
        control.script_graph(GraphStage::Send, fault);
        assert_eq!(send(&request, &message("ada@example.org", 0)).await, expected, "{fault:?}");
        assert_eq!(control.submissions().len() - before, accepted, "{fault:?}");
    };
    let answer = |status, code, retry_after_s| GraphFault::Answer { status, code, retry_after_s };
    check(answer(200, "", None), "no: 200 OK", 0).await;
    check(
        answer(401, "InvalidAuthenticationToken", None),
        "auth: 401 InvalidAuthenticationToken",
        0,
    )
    .await;
    check(answer(403, "ErrorSendAsDenied", None), "no: 403 ErrorSendAsDenied", 0).await;
    check(
        answer(404, "MailboxNotEnabledForRESTAPI", None),
        "no: 404 MailboxNotEnabledForRESTAPI",
        0,
    )
    .await;
    check(answer(413, "", None), "no: 413 Payload Too Large", 0).await;
    check(answer(429, "ApplicationThrottled", Some(0)), "ok", 1).await;
    check(answer(429, "ApplicationThrottled", Some(120)), "later: 429 ApplicationThrottled", 0)
        .await;
    check(answer(503, "ServiceUnavailable", None), "later: 503 ServiceUnavailable", 0).await;
    check(answer(504, "", None), "in doubt", 0).await;
    check(GraphFault::Cut, "in doubt", 0).await;
    check(GraphFault::CutAfterwards, "in doubt", 1).await;
    control.script_graph(GraphStage::Profile, GraphFault::Cut);
    assert_eq!(send(&request, &message("ada@example.org", 0)).await, "closed");
    let asked = control.count(Counter::GraphRequests);
    control.switch(ServiceName::Graph, Power::Off).await;
    assert_eq!(send(&request, &message("ada@example.org", 0)).await, "unreachable");
    control.switch(ServiceName::Graph, Power::On).await;
    assert_eq!(send(&request, &message("ada@example.org", 0)).await, "ok");
    assert_eq!(control.count(Counter::GraphRequests), asked + 2);
    sandbox.stop().await;
}

#[tokio::test]
async fn smtp_can_be_switched_off_while_graph_stays() {
    let sandbox = start(options(Personality::Exchange)).await;
    let control = sandbox.control();
    let tokens = sign_in(&sandbox).await;
    for (switch, expected) in [
        (SmtpAuth::OffForTenant, "SmtpClientAuthentication is disabled for the Tenant. Visit"),
        (SmtpAuth::OffForMailbox, "SmtpClientAuthentication is disabled for the Mailbox. Visit"),
        (SmtpAuth::On, "235 2.7.0 Authentication successful"),
    ] {
        control.set_smtp_auth(switch);
        let mut client = Client::smtp(&sandbox).await;
        client.smtp_command("EHLO client").await;
        let command = format!("AUTH XOAUTH2 {}", sasl("ada@example.org", &tokens));
        let answer = client.smtp_command(&command).await;
        assert!(answer.contains(expected), "{switch:?}: {answer}");
    }
    sandbox.stop().await;
}
