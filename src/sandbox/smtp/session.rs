//! The state of one submission and the honest answers, without I/O.

use crate::sandbox::control::{SmtpAuth, Submitted};
use crate::sandbox::headers::value;
use crate::sandbox::options::Personality;
use crate::sandbox::people::{Person, is_local, person};
use crate::sandbox::world::World;
use crate::sandbox::xoauth2;
use std::sync::Arc;

/// Scope an access token must carry (Microsoft: "Authenticate an IMAP, POP or SMTP connection using
/// OAuth").
const SMTP_SCOPE: &str = "https://outlook.office.com/SMTP.Send";
/// SMTP AUTH switched off, in Exchange Online's words.
const AUTH_OFF_FOR_TENANT: &str = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication \
    is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. \
    [localhost]";
const AUTH_OFF_FOR_MAILBOX: &str = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication \
    is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information. \
    [localhost]";
/// Recipients of one message: Exchange Online's default.
const RECIPIENT_LIMIT: usize = 500;

/// Whether the connection is encrypted yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not yet.
    Clear,
    /// After STARTTLS.
    Tls,
}

/// One session.
pub struct Session {
    world: Arc<World>,
    protection: Protection,
    signed_in: Option<Person>,
    sender: Option<String>,
    recipients: Vec<String>,
}

impl Session {
    /// A session right after the greeting or after TLS began: everything said before is forgotten
    /// (RFC 3207, section 4.2).
    pub fn new(world: Arc<World>, protection: Protection) -> Self {
        Self { world, protection, signed_in: None, sender: None, recipients: Vec::new() }
    }

    /// Whether the connection is encrypted.
    pub fn protection(&self) -> Protection {
        self.protection
    }

    /// The text of the greeting.
    pub fn greeting(&self) -> &'static str {
        match self.world.personality() {
            Personality::Exchange => "220 localhost Microsoft ESMTP MAIL Service ready",
            Personality::Dovecot => "220 localhost ESMTP Postfix",
        }
    }

    /// The answer to EHLO. AUTH is offered under TLS only.
    pub fn ehlo(&mut self) -> String {
        self.reset();
        let extensions = self.world.personality().smtp_extensions().iter().copied();
        let mut lines = vec!["localhost Hello [127.0.0.1]"];
        match self.protection {
            Protection::Clear => {
                lines.extend(extensions.filter(|offered| !offered.starts_with("AUTH")));
                lines.push("STARTTLS");
            }
            Protection::Tls => lines.extend(extensions),
        }
        let last = lines.len() - 1;
        let reply = lines.iter().enumerate().map(|(index, line)| {
            let separator = if index == last { ' ' } else { '-' };
            format!("250{separator}{line}")
        });
        reply.collect::<Vec<_>>().join("\r\n")
    }

    /// Forgets the message begun.
    pub fn reset(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    /// Why AUTH is out of place, if it is.
    pub fn auth_refusal(&self, mechanism: &str) -> Option<&'static str> {
        match self.protection {
            Protection::Clear => Some("530 5.7.0 Must issue a STARTTLS command first"),
            Protection::Tls if self.signed_in.is_some() => Some("503 5.5.1 Already authenticated"),
            Protection::Tls if mechanism.eq_ignore_ascii_case("XOAUTH2") => None,
            Protection::Tls => Some("504 5.7.4 Unrecognized authentication type"),
        }
    }

    /// Judges a base64 XOAUTH2 response.
    pub fn authenticate(&mut self, base64: &str) -> &'static str {
        let off = match self.world.read(|state| state.smtp_auth) {
            SmtpAuth::On => None,
            SmtpAuth::OffForTenant => Some(AUTH_OFF_FOR_TENANT),
            SmtpAuth::OffForMailbox => Some(AUTH_OFF_FOR_MAILBOX),
        };
        if let Some(refusal) = off {
            return refusal;
        }
        let signed_in = xoauth2::read_base64(base64.as_bytes()).and_then(|credentials| {
            let now = self.world.now();
            let signed_in = self.world.read(|state| {
                let grant = state.tokens.access(&credentials.token, now)?;
                grant.scopes.iter().any(|scope| scope == SMTP_SCOPE).then_some(grant.person)
            })?;
            (person(&credentials.user) == Some(signed_in)).then_some(signed_in)
        });
        self.signed_in = signed_in;
        match (signed_in, self.world.personality()) {
            (Some(_), _) => "235 2.7.0 Authentication successful",
            (None, Personality::Exchange) => "535 5.7.3 Authentication unsuccessful [localhost]",
            (None, Personality::Dovecot) => "535 5.7.8 Error: authentication failed",
        }
    }

    /// The answer to MAIL.
    pub fn mail(&mut self, argument: &str) -> String {
        let Some(signed_in) = self.signed_in else {
            return self.not_authenticated();
        };
        let Some(sender) = path(argument, "FROM:") else {
            return "501 5.5.4 Invalid Address".to_owned();
        };
        if self.sender.is_some() {
            return "503 5.5.2 Sender already specified".to_owned();
        }
        let own = self.may_send_as(signed_in, &sender);
        match self.world.personality() {
            // Exchange lets it pass here and refuses the message after its text.
            Personality::Exchange => {}
            Personality::Dovecot if own => {}
            Personality::Dovecot => {
                return format!("553 5.7.1 <{sender}>: Sender address rejected: not owned by user");
            }
        }
        self.sender = Some(sender);
        "250 2.1.0 Sender OK".to_owned()
    }

    fn may_send_as(&self, who: Person, address: &str) -> bool {
        let whose = person(address);
        whose.is_some_and(|whose| self.world.read(|state| state.may_open(who, whose)))
    }

    fn not_authenticated(&self) -> String {
        let text = match (self.protection, self.world.personality()) {
            (Protection::Clear, _) => "530 5.7.0 Must issue a STARTTLS command first",
            (Protection::Tls, Personality::Exchange) => {
                "530 5.7.57 Client not authenticated to send mail. [localhost]"
            }
            (Protection::Tls, Personality::Dovecot) => "530 5.7.0 Authentication required",
        };
        text.to_owned()
    }

    /// The answer to RCPT.
    pub fn recipient(&mut self, argument: &str) -> String {
        if self.sender.is_none() {
            return "503 5.5.2 Need mail command".to_owned();
        }
        let Some(recipient) = path(argument, "TO:").filter(|path| path.contains('@')) else {
            return "501 5.1.3 Invalid address".to_owned();
        };
        if is_local(&recipient) && person(&recipient).is_none() {
            return format!("550 5.1.1 <{recipient}>: Recipient address rejected: User unknown");
        }
        if RECIPIENT_LIMIT <= self.recipients.len() {
            return "452 4.5.3 Too many recipients".to_owned();
        }
        self.recipients.push(recipient);
        "250 2.1.5 Recipient OK".to_owned()
    }

    /// The answer to DATA.
    pub fn data(&self) -> &'static str {
        if self.sender.is_none() {
            "503 5.5.2 Need mail command"
        } else if self.recipients.is_empty() {
            "503 5.5.2 Need rcpt command"
        } else {
            "354 Start mail input; end with <CRLF>.<CRLF>"
        }
    }

    /// Judges the message: what is to be delivered, or a refusal.
    pub fn judge(&mut self, text: Vec<u8>) -> Result<Submitted, String> {
        let sender = self.sender.take().unwrap_or_default();
        let recipients = std::mem::take(&mut self.recipients);
        let owner = self.signed_in.map_or("", |person| person.address);
        let from = value(&text, "From").unwrap_or_default().to_ascii_lowercase();
        let own = self.signed_in.is_some_and(|who| self.may_send_as(who, &sender))
            && from.contains(&sender.to_ascii_lowercase());
        if !own {
            return Err(format!(
                "554 5.2.252 SendAsDenied; {owner} not allowed to send as {sender}; \
                 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied"
            ));
        }
        if has_bare_line_feed(&text) {
            return Err("550 5.6.11 SMTPSEND.BareLinefeedsAreIllegal".to_owned());
        }
        Ok(Submitted { sender, recipients, bytes: text.into() })
    }

    /// The answer to an accepted message.
    pub fn accepted(&self, submitted: &Submitted) -> String {
        let message_id = value(&submitted.bytes, "Message-ID").unwrap_or_default();
        match self.world.personality() {
            Personality::Exchange => format!("250 2.0.0 OK {message_id} [Hostname=localhost]"),
            Personality::Dovecot => "250 2.0.0 Ok: queued as 4A1B2C3D".to_owned(),
        }
    }
}

/// The address in `FROM:<…>` or `TO:<…>`; parameters behind it are passed over.
fn path(argument: &str, keyword: &str) -> Option<String> {
    let (found, rest) = argument.trim_start().split_at_checked(keyword.len())?;
    if !found.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, _parameters) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}

fn has_bare_line_feed(text: &[u8]) -> bool {
    let unended = |line: &[u8]| line.ends_with(b"\n") && !line.ends_with(b"\r\n");
    text.split_inclusive(|byte| *byte == b'\n').any(unended)
}

#[cfg(test)]
mod tests {
    use crate::sandbox::smtp::session::path;

    #[test]
    fn a_path_is_read_out_of_its_brackets() {
        #[track_caller]
        fn check(argument: &str, expected: Option<&str>) {
            assert_eq!(path(argument, "FROM:").as_deref(), expected, "{argument:?}");
        }
        check("FROM:<ada@example.org>", Some("ada@example.org"));
        check("from: <ada@example.org> SIZE=100 BODY=8BITMIME", Some("ada@example.org"));
        check("FROM:<>", Some(""));
        check("FROM:ada@example.org", None);
        check("TO:<ada@example.org>", None);
        check("", None);
        check("é", None);
    }
}
