"""The rig's own test: the whole journey without Posthaste, so that a red `tests/real` can be told from a broken rig."""

from __future__ import annotations

import base64
import hashlib
import imaplib
import json
import secrets
import smtplib
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage

from . import dovecot, oauth, postfix
from .layout import APP_CLIENT_ID, APP_CLIENT_SECRET, APP_MAILBOXES, CLIENT_ID, TENANT, USERS, Rig
from .process import wait_until

ADA, ALAN = USERS[0].address, USERS[1].address
SCOPES = " ".join(("openid", "profile", "email", "offline_access", *dovecot.SCOPES.values()))
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ARRIVAL_LIMIT_S = 60.0


def run(rig: Rig) -> None:
    """Runs every check in order and prints its name; the first failure raises AssertionError."""
    client = Client(rig)
    for check in (
        _codes_are_approved, _codes_are_declined_and_run_out, _polls_slow_down, _two_resources_are_refused, _refresh_rotates,
        _links_are_followed, _tokens_open_mailboxes, _an_app_opens_what_it_was_given, _mail_travels, _bad_tokens_and_users_are_refused, _faults_happen, _parts_come_and_go,
    ):
        client.control("POST", "/reset")
        check(client)
        print(f"ok  {check.__name__.strip('_').replace('_', ' ')}")
    client.control("POST", "/reset")


class Client:
    """A mail client's side of the protocols, as little of it as the checks need."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.trust = ssl.create_default_context(cafile=str(rig.dir / "tls" / "ca.pem"))

    def control(self, method: str, path: str, body: dict | None = None) -> dict:
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(urllib.request.Request(self.rig.control + path, data, method=method)) as answer:
            return json.load(answer)

    def post(self, endpoint: str, **form: str) -> dict:
        """Posts a form to the tenant; the answer's JSON, error or not."""
        url = f"{self.rig.authority}/{TENANT}/oauth2/v2.0/{endpoint}"
        data = urllib.parse.urlencode({"client_id": CLIENT_ID, **form}).encode()
        try:
            with urllib.request.urlopen(url, data, context=self.trust) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            assert error.code in (400, 401), error
            return json.load(error)

    def device_code(self, scope: str = SCOPES) -> dict:
        return self.post("devicecode", scope=scope)

    def poll(self, code: dict) -> dict:
        return self.post("token", grant_type=DEVICE_GRANT, device_code=code["device_code"])

    def sign_in(self, user: str) -> dict:
        code = self.device_code()
        self.control("POST", "/approve", {"user_code": code["user_code"], "user": user})
        return self.poll(code)

    def refresh(self, tokens: dict, **narrower: str) -> dict:
        return self.post("token", grant_type="refresh_token", refresh_token=tokens["refresh_token"], **narrower)

    def imap(self, user: str, tokens: dict, *, implicit_tls: bool = True) -> imaplib.IMAP4:
        if implicit_tls:
            session: imaplib.IMAP4 = imaplib.IMAP4_SSL("localhost", self.rig.ports["imaps"], ssl_context=self.trust)
        else:
            session = imaplib.IMAP4("localhost", self.rig.ports["imap"])
            session.starttls(self.trust)
        session.authenticate("XOAUTH2", lambda challenge: b"" if challenge else _xoauth2(user, tokens).encode())
        return session

    def smtp(self, user: str, tokens: dict, *, implicit_tls: bool) -> smtplib.SMTP:
        if implicit_tls:
            session: smtplib.SMTP = smtplib.SMTP_SSL("localhost", self.rig.ports["submissions"], context=self.trust)
        else:
            session = smtplib.SMTP("localhost", self.rig.ports["submission"])
            session.starttls(context=self.trust)
        session.ehlo()
        session.auth("XOAUTH2", lambda challenge=None: "" if challenge else _xoauth2(user, tokens))
        return session


def _xoauth2(user: str, tokens: dict) -> str:
    return f"user={user}\x01auth=Bearer {tokens['access_token']}\x01\x01"


def _refused(answer: dict, error: str, aadsts: int) -> None:
    assert answer.get("error") == error and answer.get("error_codes") == [aadsts], answer


def _codes_are_approved(client: Client) -> None:
    code = client.device_code()
    assert set(code) == {"user_code", "device_code", "verification_uri", "expires_in", "interval", "message"}, code
    _refused(client.poll(code), "authorization_pending", 70016)
    client.control("POST", "/approve", {"user_code": code["user_code"], "user": ADA})
    tokens = client.poll(code)
    assert set(tokens["scope"].split()) == set(SCOPES.split()) - {"offline_access"}, tokens["scope"]
    assert 1500 <= len(tokens["access_token"]) <= 4000 and tokens["token_type"] == "Bearer"
    _refused(client.poll(code), "invalid_grant", 54005)

    withheld = client.device_code()
    smtp_scope = dovecot.SCOPES["smtp"]
    client.control("POST", "/approve", {"user_code": withheld["user_code"], "user": ADA, "withhold": [smtp_scope]})
    assert smtp_scope not in client.poll(withheld)["scope"].split()


def _codes_are_declined_and_run_out(client: Client) -> None:
    for at in ("confirm", "consent"):
        code = client.device_code()
        client.control("POST", "/decline", {"user_code": code["user_code"], "at": at})
        _refused(client.poll(code), "authorization_declined", 65004)
    code = client.device_code()
    client.control("POST", "/expire", {"user_code": code["user_code"]})
    _refused(client.poll(code), "expired_token", 70019)
    _refused(client.poll({"device_code": "nonsense"}), "bad_verification_code", 70018)
    _refused(client.post("devicecode", scope="IMAP.AccessAsUser.All"), "invalid_scope", 70011)
    _refused(client.post("devicecode", scope=SCOPES, client_id="nobody"), "unauthorized_client", 700016)


def _polls_slow_down(client: Client) -> None:
    client.control("POST", "/settings", {"slow_down_polls": 1, "interval_s": 5})
    code = client.device_code()
    assert code["interval"] == 5
    assert [client.poll(code)["error"] for _ in range(2)] == ["slow_down", "authorization_pending"]
    assert client.control("GET", "/state")["device_codes"][0]["polls"] == 2


def _two_resources_are_refused(client: Client) -> None:
    code = client.device_code(f"{SCOPES} https://graph.microsoft.com/Mail.Send")
    client.control("POST", "/approve", {"user_code": code["user_code"], "user": ADA})
    _refused(client.poll(code), "invalid_request", 28000)


def _refresh_rotates(client: Client) -> None:
    first = client.sign_in(ADA)
    second = client.refresh(first)
    assert second["refresh_token"] != first["refresh_token"]
    assert "access_token" in client.refresh(first), "Entra lets the replaced token live"
    client.control("POST", "/settings", {"rotation": "keep"})
    assert "refresh_token" not in client.refresh(second)
    client.control("POST", "/settings", {"rotation": "strict"})
    third = client.refresh(second)
    _refused(client.refresh(second), "invalid_grant", 70000)
    assert client.refresh(third)["error"] == "invalid_grant", "reuse ends the whole sign-in"
    fourth = client.sign_in(ADA)
    assert client.control("POST", "/revoke", {"user": ADA})["revoked"] >= 1
    _refused(client.refresh(fourth), "invalid_grant", 50173)


def _links_are_followed(client: Client) -> None:
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    link = {
        "client_id": CLIENT_ID, "response_type": "code", "redirect_uri": "http://localhost:12345/", "scope": SCOPES,
        "state": "here", "code_challenge": challenge, "code_challenge_method": "S256",
    }

    def follow(**person: object) -> dict[str, list[str]]:
        url = f"{client.rig.authority}/common/oauth2/v2.0/authorize?{urllib.parse.urlencode(link)}"
        redirect = client.control("POST", "/authorize", {"url": url, "user": ADA, **person})["redirect"]
        assert redirect.startswith(link["redirect_uri"]), redirect
        return urllib.parse.parse_qs(urllib.parse.urlsplit(redirect).query)

    assert follow(decline=True)["error"] == ["access_denied"]
    answer = follow()
    assert answer["state"] == ["here"]
    redeem = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": link["redirect_uri"]}
    assert client.post("token", **redeem, code_verifier="x" * 43)["error"] == "invalid_grant"
    redeem["code"] = follow()["code"][0]
    assert "refresh_token" in client.post("token", **redeem, code_verifier=verifier)

    # Agreed to for two resources, redeemed for one at a time.
    graph_scope = "https://graph.microsoft.com/Mail.Send"
    link["scope"] = f"{SCOPES} {graph_scope}"
    redeem["code"] = follow()["code"][0]
    _refused(client.post("token", **redeem, code_verifier=verifier), "invalid_request", 28000)
    redeem["code"] = follow()["code"][0]
    tokens = client.post("token", **redeem, code_verifier=verifier, scope=SCOPES)
    assert set(tokens["scope"].split()) == set(SCOPES.split()) - {"offline_access"}, tokens["scope"]
    client.imap(ADA, tokens).logout()
    assert client.refresh(tokens, scope=graph_scope)["scope"] == graph_scope


def _tokens_open_mailboxes(client: Client) -> None:
    tokens = client.sign_in(ADA)
    client.imap(ADA, tokens, implicit_tls=False).logout()
    session = client.imap(ADA, tokens)
    names = [line.decode().rsplit(' "/" ', 1)[1].strip('"') for line in session.list()[1]]
    assert {"INBOX", "Sent Items", "Deleted Items", "Junk Email", "Drafts", "Archive", "Calendar", "Contacts"} == set(names), names
    assert int(session.select("INBOX")[1][0]) >= 7
    session.logout()


def _an_app_opens_what_it_was_given(client: Client) -> None:
    app = {"grant_type": "client_credentials", "client_id": APP_CLIENT_ID, "scope": "https://outlook.office365.com/.default"}
    _refused(client.post("token", **app, client_secret="its-id"), "invalid_client", 7000215)
    _refused(client.post("token", **app), "invalid_client", 7000218)
    _refused(client.post("token", **{**app, "scope": SCOPES}, client_secret=APP_CLIENT_SECRET), "invalid_scope", 1002012)
    tokens = client.post("token", **app, client_secret=APP_CLIENT_SECRET)
    assert set(tokens) == {"token_type", "expires_in", "ext_expires_in", "access_token"}, tokens
    for mailbox in APP_MAILBOXES:
        client.imap(mailbox, tokens).logout()
        client.smtp(mailbox, tokens, implicit_tls=True).quit()
    _login_fails(client, ADA, tokens)
    client.control("POST", "/expire", {"app": True})
    _login_fails(client, APP_MAILBOXES[0], tokens)


def _mail_travels(client: Client) -> None:
    ada, alan = client.sign_in(ADA), client.sign_in(ALAN)
    for implicit_tls in (False, True):
        message = EmailMessage()
        message["Message-ID"] = f"<check-{time.monotonic_ns()}@example.org>"
        message["From"], message["To"], message["Subject"] = ADA, ALAN, "Rig check"
        message.set_content("Does this arrive?\n")
        with client.smtp(ADA, ada, implicit_tls=implicit_tls) as submission:
            submission.send_message(message)
        assert wait_until(lambda: _take(client, alan, message["Message-ID"]), ARRIVAL_LIMIT_S), "it did not arrive"


def _take(client: Client, tokens: dict, message_id: str) -> bool:
    """Whether the message is in Alan's INBOX; removes it, so that a check leaves the mailboxes as they were."""
    session = client.imap(ALAN, tokens)
    session.select("INBOX")
    found = session.search(None, "HEADER", "Message-ID", message_id)[1][0].split()
    for number in found:
        session.store(number.decode(), "+FLAGS", r"\Deleted")
    session.close()
    session.logout()
    return bool(found)


def _bad_tokens_and_users_are_refused(client: Client) -> None:
    ada = client.sign_in(ADA)
    _login_fails(client, ALAN, ada)
    _login_fails(client, ADA, {"access_token": "nonsense"})
    with client.smtp(ADA, ada, implicit_tls=True) as submission:
        assert _rejection(lambda: submission.sendmail(ALAN, [ADA], b"x")) == 553
        assert _rejection(lambda: submission.sendmail(ADA, ["nobody@example.org"], b"x")) == 550
    client.control("POST", "/expire", {"user": ADA})
    _login_fails(client, ADA, ada)
    client.imap(ADA, client.refresh(ada)).logout()
    client.control("POST", "/revoke", {"user": ADA, "what": "access"})
    _login_fails(client, ADA, ada)


def _login_fails(client: Client, user: str, tokens: dict) -> None:
    try:
        client.imap(user, tokens)
    except imaplib.IMAP4.error:
        return
    raise AssertionError(f"a bad token opened the mailbox of {user}")


def _rejection(send: Callable[[], object]) -> int:
    try:
        send()
    except smtplib.SMTPRecipientsRefused as refused:
        return next(iter(refused.recipients.values()))[0]
    raise AssertionError("the message was taken")


def _faults_happen(client: Client) -> None:
    tokens = client.sign_in(ADA)
    client.control("POST", "/faults", {
        "endpoint": "token", "grant": "refresh_token", "error": "invalid_grant", "aadsts": 700082, "text": "Expired.",
    })
    _refused(client.refresh(tokens), "invalid_grant", 700082)
    client.control("POST", "/faults", {"endpoint": "token", "drop": True, "after": True})
    try:
        client.refresh(tokens)
    except OSError:
        pass
    else:
        raise AssertionError("the connection was not dropped")
    assert "access_token" in client.refresh(tokens)
    assert client.control("GET", "/requests")["token:refresh_token"] == 3


def _parts_come_and_go(client: Client) -> None:
    tokens = client.sign_in(ADA)
    session = client.imap(ADA, tokens)
    for part, reach in (
        (oauth, client.device_code),
        (dovecot, lambda: client.imap(ADA, tokens).logout()),
        (postfix, lambda: client.smtp(ADA, tokens, implicit_tls=False).quit()),
    ):
        part.stop_part(client.rig)
        try:
            reach()
        except OSError:
            pass
        else:
            raise AssertionError(f"{part.NAME} still answers")
        part.start(client.rig)
        reach()
    try:
        session.noop()
    except (OSError, imaplib.IMAP4.abort):
        return
    raise AssertionError("a session outlived its server")
